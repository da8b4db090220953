"""The servers of the stack, as the settings describe them."""

import re
from pathlib import Path

import pytest

from driver_score.local_stack.members import Member, stack_members
from driver_score.local_stack.server_process import LOOPBACK
from driver_score.local_stack.servers.grafana import PROVISIONING_DIR, NativeGrafana
from schemas.settings import Settings, load_settings


def settings_of(folder: Path, program: str | None = None) -> Settings:
    """Give settings with a Grafana of this program, or without one."""
    home = folder / "grafana-home"
    (home / "bin").mkdir(parents=True)
    if program is not None:
        (home / "bin" / program).touch()
    return load_settings(stack={"folder": folder, "grafana_home": home})


def member(members: list[Member], name: str) -> Member:
    (found,) = [one for one in members if one.name == name]
    return found


def test_no_two_servers_listen_at_the_same_port(tmp_path: Path) -> None:
    ports = [port for one in stack_members(settings_of(tmp_path, "grafana")) for port in one.ports]
    assert len(ports) == len(set(ports))


@pytest.mark.parametrize("name", ["worker", "exporter"])
def test_settings_of_access_to_another_cluster_do_not_reach_the_stack(name: str, tmp_path: Path) -> None:
    variables = member(stack_members(settings_of(tmp_path)), name).server._environment()
    assert variables["DRIVER_SCORE_KAFKA__BOOTSTRAP"] == f"{LOOPBACK}:9092"
    for setting in ("SECURITY_PROTOCOL", "PASSWORD", "SSL_CA_PATH", "OAUTH_CLIENT_SECRET", "CLIENT_PROPERTIES"):
        assert variables[f"DRIVER_SCORE_KAFKA__{setting}"] is None


def test_a_machine_without_grafana_has_a_stack_without_it(tmp_path: Path) -> None:
    assert "grafana" not in {one.name for one in stack_members(settings_of(tmp_path))}


@pytest.mark.parametrize(
    ("program", "expected"), [("grafana", ["grafana", "server"]), ("grafana-server", ["grafana-server"])]
)
def test_an_installed_grafana_of_any_version_is_started_from_its_folder(
    tmp_path: Path, program: str, expected: list[str]
) -> None:
    found = member(stack_members(settings_of(tmp_path, program)), "grafana")
    home = tmp_path / "grafana-home"
    assert found.address == f"http://{LOOPBACK}:3000"
    path, *arguments = found.server._command()
    assert [Path(path).relative_to(home / "bin").name, *arguments] == [*expected, f"--homepath={home}"]


def test_grafana_gets_every_address_that_its_provisioning_needs(tmp_path: Path) -> None:
    server = member(stack_members(settings_of(tmp_path, "grafana")), "grafana").server
    assert isinstance(server, NativeGrafana)
    variables = server._environment()
    texts = "".join(path.read_text() for path in PROVISIONING_DIR.rglob("*.yaml"))
    assert set(re.findall(r"\$\{(\w+)\}", texts)) == {name for name in variables if name.startswith("GRAFANA_")}
    assert list(Path(str(variables["GRAFANA_DASHBOARDS_DIR"])).glob("*.json"))
    assert variables["GRAFANA_DRUID_URL"] == f"http://{LOOPBACK}:8888"
    assert variables["GRAFANA_PROMETHEUS_URL"] == f"http://{LOOPBACK}:9090"
    assert variables["GF_SERVER_HTTP_ADDR"] == LOOPBACK


@pytest.mark.parametrize("name", ["worker", "exporter"])
def test_our_own_servers_listen_on_loopback_whatever_the_environment_says(tmp_path: Path, name: str) -> None:
    variables = member(stack_members(settings_of(tmp_path)), name).server._environment()
    assert {value for variable, value in variables.items() if variable.endswith("_HOST")} == {LOOPBACK}
