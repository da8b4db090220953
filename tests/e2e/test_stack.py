"""``driver-score stack``: starting and stopping real servers, Druid left out; the Druid tests run that."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from driver_score.local_stack.lifecycle import PortTakenError, stack_states, start_stack, stop_stack
from driver_score.local_stack.members import Member, stack_members
from driver_score.local_stack.server_process import LOOPBACK, ServerFailedError, free_port, http_answers, listens
from schemas.settings import StackSettings, load_settings
from tests.support.servers.brokers import PATIENCE_S, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.integration]

SERVERS = ["kafka", "prometheus", "alertmanager", "worker"]


@dataclass
class StackRun:
    """Commands of ``driver-score stack`` with a folder and ports of their own."""

    folder: Path
    variables: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "driver_score", "stack", *arguments],
            env={**os.environ, **self.variables},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def states(self) -> dict[str, dict[str, Any]]:
        return {state["name"]: state for state in json.loads(self.run("status", "--json").stdout)}


def free_ports() -> dict[str, int]:
    names = (name for name in StackSettings.model_fields if name.endswith("_port"))
    return {name: free_port() for name in names}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackRun]:
    folder = tmp_path_factory.mktemp("stack")
    given = {**free_ports(), "folder": folder, "druid": "false", "grafana_home": folder}
    variables = {f"DRIVER_SCORE_STACK__{name.upper()}": str(setting) for name, setting in given.items()}
    stack = StackRun(folder, variables)
    yield stack
    stack.run("down")


def test_the_stack_starts_once_works_and_stops(stack: StackRun) -> None:
    assert {state["state"] for state in stack.states().values()} == {"stopped"}

    first = stack.run("up")
    assert first.returncode == 0, first.stderr
    after_first = stack.states()
    second = stack.run("up")
    after_second = stack.states()
    status = stack.run("status")
    log = stack.run("logs", "kafka", "--lines", "5")
    stopped = stack.run("down")

    assert sorted(line.split()[0] for line in first.stderr.splitlines() if " started " in line) == sorted(SERVERS)
    port = stack.variables["DRIVER_SCORE_STACK__KAFKA_PORT"]
    assert f"export DRIVER_SCORE_KAFKA__BOOTSTRAP=127.0.0.1:{port}" in first.stderr, "what other commands need"
    assert list(after_first) == SERVERS
    assert {state["state"] for state in after_first.values()} == {"running"}
    assert (status.returncode, stack.run("status").returncode) == (0, 1)
    assert second.returncode == 0
    assert second.stderr.count("already running") == len(SERVERS)
    assert after_second == after_first, "a second up does no harm"
    assert len(log.stdout.splitlines()) == 5
    assert stopped.stderr.splitlines()[0].split() == ["worker", "stopped"], "the worker commits while Kafka runs"
    assert stopped.stderr.splitlines()[-1].split() == ["kafka", "stopped"]
    assert not [state["pid"] for state in after_first.values() if psutil.pid_exists(state["pid"])]
    worker_log = stack.folder / "logs" / "worker.log"
    wait_until(lambda: '"event": "stopped"' in worker_log.read_text(), "SIGTERM let it end its work")
    assert stack.run("down").stderr.strip() == "nothing is running"


def test_the_log_of_an_unknown_server_is_one_line_with_the_known_ones(stack: StackRun) -> None:
    ran = stack.run("logs", "kafkaa")
    assert ran.returncode == 2
    assert ran.stderr.strip() == f"error: the stack has no 'kafkaa'. It has: {', '.join(SERVERS)}."


@pytest.fixture
def monitoring(tmp_path: Path) -> Iterator[list[Member]]:
    """Give Prometheus and Alertmanager, which start within a second."""
    settings = load_settings(
        stack={**free_ports(), "folder": tmp_path, "druid": False, "worker": False, "grafana_home": tmp_path}
    )
    members = [member for member in stack_members(settings) if member.name != "kafka"]
    yield members
    stop_stack(members, tmp_path, nothing)
    for member in members:
        member.server.stop()


def nothing(_: object) -> None:
    pass


def test_a_port_that_is_taken_names_the_setting_and_starts_nothing(monitoring: list[Member], tmp_path: Path) -> None:
    (port,) = monitoring[1].ports
    with socket.create_server((LOOPBACK, port)):
        with pytest.raises(PortTakenError, match=rf"{port}.*DRIVER_SCORE_STACK__ALERTMANAGER_PORT"):
            start_stack(monitoring, tmp_path, nothing, nothing)
        assert {state.state for state in stack_states(monitoring, tmp_path)} == {"stopped"}


def test_a_server_that_is_missing_is_started_and_the_others_left_alone(
    monitoring: list[Member], tmp_path: Path
) -> None:
    start_stack(monitoring, tmp_path, nothing, nothing)
    before = {state.name: state.pid for state in stack_states(monitoring, tmp_path)}
    monitoring[0].server.stop()

    started: list[str] = []
    running: list[str] = []
    start_stack(
        monitoring,
        tmp_path,
        on_started=lambda member: started.append(member.name),
        on_running=lambda member: running.append(member.name),
    )

    after = {state.name: state.pid for state in stack_states(monitoring, tmp_path)}
    assert (started, running) == (["prometheus"], ["alertmanager"])
    assert after["alertmanager"] == before["alertmanager"]
    assert after["prometheus"] != before["prometheus"]


def test_prometheus_scrapes_the_worker_and_knows_its_alertmanager(monitoring: list[Member], tmp_path: Path) -> None:
    start_stack(monitoring, tmp_path, nothing, nothing)
    config = yaml.safe_load((tmp_path / "prometheus" / "conf" / "prometheus.yaml").read_text())
    scraped = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    (alertmanager_port,) = monitoring[1].ports
    assert set(scraped) >= {"prometheus", "driver-score-worker"}
    assert config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == [f"127.0.0.1:{alertmanager_port}"]
    assert http_answers(alertmanager_port, "/-/healthy")


def test_a_server_that_fails_to_start_stops_those_started_before_it(
    monitoring: list[Member], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "prometheus-alertmanager"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho no space left on device\nexit 7\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)

    with pytest.raises(ServerFailedError, match=r"(?s)Alertmanager ended with status 7.*no space left on device"):
        start_stack(monitoring, tmp_path, nothing, nothing)

    assert {state.state for state in stack_states(monitoring, tmp_path)} == {"stopped"}
    assert not any(listens(port) for member in monitoring for port in member.ports)
