"""The compose stack and its images, held to the Compose schema, a linter, and the code."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from driver_score.cli.main import app
from driver_score.local_stack.programs import JAR_LISTS_DIR, REPOSITORY_DIR
from driver_score.local_stack.servers.druid_properties import EXTENSIONS, services
from driver_score.local_stack.servers.kafka import CLUSTER_ID, MAX_MESSAGE_BYTES
from driver_score.local_stack.servers.prometheus import PROMETHEUS_DIR
from prometheus.alert_routing import alertmanager_config
from schemas.settings import AlertSettings, Settings, load_settings
from stream_app.telemetry.metrics_server import LIVE_PATH
from tests.support.servers.docker_servers import (
    DRUID_SERVICES,
    KAFKA_INSIDE,
    KAFKA_SERVICES,
    ComposeServices,
    DockerServers,
)

DOCKER_DIR = REPOSITORY_DIR / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER_DIR / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("driver-score:")}
ONE_SHOT = {"topics", "druid-apply", "alertmanager-config"}
DOCKERFILES = [DOCKER_DIR / "Dockerfile", DOCKER_DIR / "grafana.Dockerfile"]

CONTAINER_PORTS = {
    "kafka": {9092, 29092},
    "worker": {9464},
    "exporter": {9465},
    "postgres": {5432},
    "zookeeper": {2181},
    "druid-coordinator": {8081},
    "druid-historical": {8083},
    "druid-indexer": {8091},
    "druid-broker": {8082},
    "druid-router": {8888},
    "alertmanager": {9093},
    "prometheus": {9090},
    "grafana": {3000},
}
"""Where each service listens, by the documentation of its image, or by ours."""


def environment(service: str) -> dict[str, str]:
    found: dict[str, str] = SERVICES[service].get("environment", {})
    return found


def interpolated(text: str) -> str:
    """Fill in the defaults of variables, and a word where one is required."""
    return re.sub(r"\$\{\w+(?::([-?])([^}]*))?\}", lambda found: (found[2] or "") if found[1] == "-" else "given", text)


def mounts(service: str) -> list[tuple[str, str]]:
    return [tuple(mount.split(":")[:2]) for mount in SERVICES[service].get("volumes", [])]


def image_settings() -> dict[str, str]:
    """Return the settings that the image itself makes."""
    return dict(re.findall(r"(DRIVER_SCORE_\w+)=(\S+)", (DOCKER_DIR / "Dockerfile").read_text()))


def settings_of(service: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Read the settings as the service's process does."""
    for name, value in {**image_settings(), **environment(service)}.items():
        if name.startswith("DRIVER_SCORE_"):
            monkeypatch.setenv(name, interpolated(value))
    return load_settings()


def referred_addresses() -> list[tuple[str, int]]:
    """Return every service:port that a service is given, by its environment, command or configuration file."""
    texts = [
        json.dumps([service.get("environment", {}), service.get("command", []), service.get("healthcheck", {})])
        for service in SERVICES.values()
    ]
    texts.append((PROMETHEUS_DIR / "prometheus.yaml").read_text())
    found = re.findall(rf"\b({'|'.join(SERVICES)}):(\d+)", "\n".join(texts))
    return sorted({(name, int(port)) for name, port in found})


def checked(path: Path) -> subprocess.CompletedProcess[str]:
    """Hold a file to the Compose schema."""
    checker = Path(sys.executable).with_name("check-jsonschema")
    return subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", path], capture_output=True, text=True, check=False
    )


def test_the_compose_file_is_valid_by_the_compose_specification(tmp_path: Path) -> None:
    valid = checked(DOCKER_DIR / "compose.yaml")
    assert valid.returncode == 0, valid.stdout
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(
        (DOCKER_DIR / "compose.yaml").read_text().replace("restart: unless-stopped", "restarts: always", 1)
    )
    assert "restarts" in checked(wrong).stdout, "the schema sees a misspelt key"


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_hadolint_finds_nothing_in_a_dockerfile(path: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    linted = subprocess.run([hadolint, "--no-color", path], capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout
    assert linted.stdout == ""


def test_every_image_has_a_version_and_none_is_the_latest() -> None:
    images = [service["image"] for service in SERVICES.values()]
    images += [image for path in DOCKERFILES for image in re.findall(r"^FROM (\S+)", path.read_text(), re.MULTILINE)]
    for image in images:
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", image), image


@pytest.mark.parametrize(("image", "jar_list"), [("apache/kafka", "kafka"), ("apache/druid", "druid")])
def test_versions_are_those_of_the_native_stack(image: str, jar_list: str) -> None:
    versions = {one["image"].partition(":")[2] for one in SERVICES.values() if one["image"].startswith(image)}
    jars = (JAR_LISTS_DIR / f"{jar_list}.xml").read_text()
    pattern = rf"<groupId>org\.apache\.{jar_list}</groupId>\s*<artifactId>[\w.-]+</artifactId>\s*<version>([\d.]+)<"
    assert versions == set(re.findall(pattern, jars))


def test_the_guide_names_every_image_in_its_version() -> None:
    text = (REPOSITORY_DIR / "docs" / "docker.md").read_text()
    for service in SERVICES.values():
        if not service["image"].startswith("driver-score"):
            assert service["image"].removesuffix("-bookworm") in text
    for path in DOCKERFILES:
        for word in re.findall(r"grafana/grafana:\S+|grafadruid-druid-datasource [\d.]+", path.read_text()):
            assert word in text.replace("`", "")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_restarts_and_says_when_it_is_healthy_unless_it_runs_once(name: str) -> None:
    service = SERVICES[name]
    if name in ONE_SHOT:
        assert service["restart"] in {"no", "on-failure:5"}
        assert service["healthcheck"] == {"disable": True}
    else:
        assert service["restart"] == "unless-stopped"
        assert name == "worker" or "test" in service["healthcheck"], "the image itself checks the worker"


def test_the_containers_of_tests_are_kafka_and_druid_of_this_file_at_the_addresses_that_tests_use() -> None:
    servers = DockerServers()
    given = servers.environment()

    def filled_in(text: str) -> str:
        return re.sub(r"\$\{(\w+)(?::[-?][^}]*)?\}", lambda found: given.get(found[1], found[0]), text)

    assert KAFKA_SERVICES == ["kafka"]
    assert set(DRUID_SERVICES) == {name for name in SERVICES if name.startswith("druid-")} - {"druid-apply"}
    assert {f"127.0.0.1:{servers.druid_port}:8888"} == {filled_in(port) for port in SERVICES["druid-router"]["ports"]}
    (port,) = (filled_in(port) for port in SERVICES["kafka"]["ports"])
    assert port.endswith(f":{servers.kafka_port}:29092")
    advertised = filled_in(environment("kafka")["KAFKA_ADVERTISED_LISTENERS"])
    assert advertised == f"INTERNAL://{KAFKA_INSIDE},EXTERNAL://{servers.bootstrap}"
    needed = {name for name, kind in re.findall(r"\$\{(\w+)(:\?)", (DOCKER_DIR / "compose.yaml").read_text())}
    assert needed <= set(given)


def test_containers_of_tests_keep_their_data_when_they_are_stopped_and_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(ComposeServices, "_run_command", lambda _self, cmd: asked.append(" ".join(cmd[1:])))
    with ComposeServices(["kafka"]) as services:
        services.stop()
        services.start()
    compose = "compose -f compose.yaml"
    start, stop = f"{compose} up --wait kafka", f"{compose} stop kafka"
    assert asked == [start, stop, start, stop]


def test_something_waits_for_each_service_that_runs_once() -> None:
    waited_for = {needed for service in SERVICES.values() for needed in service.get("depends_on", {})}
    assert waited_for >= ONE_SHOT, "else `up --wait` takes its end for a failure"


def test_a_service_waits_for_what_can_be_waited_for() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            condition = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"
            assert how == {"condition": condition}, f"{name} needs {needed}"


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_commands_that_there_are(name: str) -> None:
    command: Any = get_command(app)
    for word in OURS[name]["command"]:
        if word.startswith("-"):
            assert word in {option for parameter in command.params for option in parameter.opts}
        elif hasattr(command, "commands"):
            command = command.commands[word]
    assert not hasattr(command, "commands"), "it goes down to a command"


@pytest.mark.parametrize("name", OURS)
def test_our_services_set_only_settings_that_there_are(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(name, monkeypatch)
    if name != "alertmanager-config":
        assert settings.kafka.bootstrap == "kafka:9092"
        assert settings.druid.url == "http://druid-router:8888"
    assert settings.worker.metrics_port in CONTAINER_PORTS["worker"]
    assert settings.exporter.port in CONTAINER_PORTS["exporter"]
    assert settings.worker.metrics_host == settings.exporter.host == "0.0.0.0"  # noqa: S104 - inside a container


def test_every_address_is_that_of_a_service_which_listens_there() -> None:
    assert len(referred_addresses()) >= 6
    for name, port in referred_addresses():
        assert port in CONTAINER_PORTS[name] | ({9093} if name == "kafka" else set()), f"{name}:{port}"


def test_health_checks_ask_the_address_that_their_own_service_listens_on() -> None:
    for name, service in SERVICES.items():
        for port in re.findall(r"127\.0\.0\.1[: ](\d+)", json.dumps(service.get("healthcheck", {}))):
            assert int(port) in CONTAINER_PORTS[name], name
    checked = re.findall(r"http://127\.0\.0\.1:(\d+)(/health/\w+)", (DOCKER_DIR / "Dockerfile").read_text())
    assert checked == [("9464", LIVE_PATH)]
    assert SERVICES["exporter"]["healthcheck"]["test"][-1] == f"http://127.0.0.1:9465{LIVE_PATH}"


def test_a_worker_is_given_the_time_that_its_stop_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    timeout_s = settings_of("worker", monkeypatch).worker.stop_timeout_s
    assert float(SERVICES["worker"]["stop_grace_period"].removesuffix("s")) > timeout_s


def test_published_ports_listen_on_loopback_and_lead_to_where_the_service_listens() -> None:
    for name, service in SERVICES.items():
        for published in service.get("ports", []):
            host, _, container = interpolated(published).split(":")
            assert host == "127.0.0.1", name
            assert int(container) in CONTAINER_PORTS[name], name


def test_every_mount_is_a_path_of_the_repository_or_a_volume_and_every_volume_is_used() -> None:
    used = set()
    for name in SERVICES:
        for source, target in mounts(name):
            assert target.startswith("/"), name
            if source.startswith("."):
                assert (DOCKER_DIR / source).resolve().exists(), f"{name}: {source}"
            else:
                used.add(source)
    assert used == set(COMPOSE["volumes"])


def test_every_file_that_prometheus_is_configured_to_read_is_mounted() -> None:
    config = yaml.safe_load((PROMETHEUS_DIR / "prometheus.yaml").read_text())
    targets = [target for _, target in mounts("prometheus")]
    for path in (*config["rule_files"], *re.findall(r"=(/\S+)", " ".join(SERVICES["prometheus"]["command"]))):
        assert any(path.startswith(target) for target in targets), path
    assert "--enable-feature=expand-external-labels" in SERVICES["prometheus"]["command"]
    assert config["global"]["external_labels"] == {"runbook_base": "${RUNBOOK_BASE}"}
    assert "RUNBOOK_BASE" in environment("prometheus")
    jobs = {job["job_name"] for job in config["scrape_configs"]}
    assert {"driver-score-worker", "driver-score-exporter"} <= jobs


def test_alertmanager_reads_the_file_that_is_written_for_it_by_the_same_user() -> None:
    writer, reader = SERVICES["alertmanager-config"], SERVICES["alertmanager"]
    path = writer["command"][-1]
    assert f"--config.file={path}" in reader["command"]
    (folder,) = [target for source, target in mounts("alertmanager") if source == "alertmanager-config"]
    assert ("alertmanager-config", folder) in mounts("alertmanager-config")
    assert Path(path).parent == Path(folder)
    assert writer["user"] == "65534:65534", "nobody, whom Alertmanager's image runs as"
    assert f"--owner=nobody --group=nogroup --mode=0700 {folder}" in (DOCKER_DIR / "Dockerfile").read_text()
    assert alertmanager_config(AlertSettings())["receivers"], "it starts without any channel"


def test_grafana_finds_its_provisioning_dashboards_and_plugin() -> None:
    targets = {target: DOCKER_DIR / source for source, target in mounts("grafana") if source.startswith(".")}
    variables = environment("grafana")
    assert list((targets[variables["GRAFANA_DASHBOARDS_DIR"]]).glob("*.json"))
    provisioning = targets["/etc/grafana/provisioning"]
    texts = "".join(path.read_text() for path in provisioning.rglob("*.yaml"))
    assert set(re.findall(r"\$\{(\w+)\}", texts)) == {name for name in variables if name.startswith("GRAFANA_")}
    image = (DOCKER_DIR / "grafana.Dockerfile").read_text()
    plugin, version = re.findall(r"plugins install (\S+) ([\d.]+)", image)[0]
    assert f"type: {plugin}" in texts
    assert SERVICES["grafana"]["image"].endswith(f"-{version}")


def test_kafka_takes_what_the_native_one_takes() -> None:
    variables = environment("kafka")
    assert variables["CLUSTER_ID"] == CLUSTER_ID
    assert int(variables["KAFKA_MESSAGE_MAX_BYTES"]) == MAX_MESSAGE_BYTES
    assert int(variables["KAFKA_REPLICA_FETCH_MAX_BYTES"]) == MAX_MESSAGE_BYTES
    assert variables["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false", "a misspelt topic is an error"


def test_druid_has_the_services_memory_and_extensions_of_the_native_one() -> None:
    native = {service.name: service for service in services(Path("/data"))}
    assert {name.removeprefix("druid-") for name in SERVICES if name.startswith("druid-")} - {"apply"} == set(native)
    for name, service in native.items():
        variables = environment(f"druid-{name}")
        assert SERVICES[f"druid-{name}"]["command"] == [name]
        assert variables["DRUID_XMX"] == f"{service.heap_mb}m", name
        assert variables["DRUID_MAXDIRECTMEMORYSIZE"] == f"{service.direct_mb}m", name
        assert set(EXTENSIONS) < set(json.loads(variables["druid_extensions_loadList"]))


@pytest.mark.parametrize(
    ("service", "names"),
    [
        ("coordinator", ["coordinator_kill_compaction_on", "coordinator_kill_rule_on"]),
        ("indexer", ["worker_capacity", "worker_globalIngestionHeapLimitBytes", "server_http_numThreads"]),
    ],
)
def test_druid_keeps_what_is_set_and_runs_as_many_tasks_as_the_native_one(service: str, names: list[str]) -> None:
    (native,) = [one for one in services(Path("/data")) if one.name == service]
    properties = {name.replace(".", "_"): str(value) for name, value in native.properties.items()}
    for name in names:
        assert environment(f"druid-{service}")[f"druid_{name}"] == properties[f"druid_{name}"]


def test_no_password_has_a_default_and_every_variable_is_in_the_example() -> None:
    text = (DOCKER_DIR / "compose.yaml").read_text()
    variables = dict(re.findall(r"\$\{(\w+)(:[-?])?", text))
    example = dict(re.findall(r"^(\w+)=(.*)$", (DOCKER_DIR / ".env.example").read_text(), re.MULTILINE))
    assert set(variables) == set(example)
    for name, kind in variables.items():
        if "PASSWORD" in name:
            assert kind == ":?", name
            assert example[name] == "", name
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if "password" in name.lower():
                assert value.startswith("${"), name


def test_the_example_of_channels_names_settings_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DOCKER_DIR / "alerts.env.example").read_text()
    channels = dict(re.findall(r"^# (DRIVER_SCORE_\w+)=(.*)$", text, re.MULTILINE))
    for name, value in channels.items():
        monkeypatch.setenv(name, value or "given")
    given = load_settings().alerts.model_dump(exclude_defaults=True)
    assert len(given) == len(channels) >= 8


def test_secrets_files_stay_out_of_the_repository_and_the_image() -> None:
    ignored = (REPOSITORY_DIR / ".gitignore").read_text().splitlines()
    assert {"/docker/.env", "/docker/alerts.env"} <= set(ignored)
    allowed = [line for line in (REPOSITORY_DIR / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert (REPOSITORY_DIR / ".dockerignore").read_text().splitlines()[1] == "*"
    for line in allowed:
        assert (REPOSITORY_DIR / line[1:]).exists(), line


def test_the_image_has_every_package_and_does_not_run_as_root() -> None:
    allowed = {line[1:] for line in (REPOSITORY_DIR / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    project = (REPOSITORY_DIR / "pyproject.toml").read_text()
    packages = set(re.findall(r'"(\w+)\*"', re.findall(r"^include = \[(.*)\]", project, re.MULTILINE)[0]))
    assert packages | {"LICENSE", "README.md"} <= allowed
    users = re.findall(r"^USER (\S+)", (DOCKER_DIR / "Dockerfile").read_text(), re.MULTILINE)
    assert users == ["10001:10001"]
