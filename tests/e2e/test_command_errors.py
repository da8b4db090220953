"""What goes wrong at the start is one line that says what to do, and a non-zero exit; no traceback, and soon."""

import json
import logging
import os
import runpy
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from driver_score.cli.main import main
from scoring.model import DEFAULT_MODEL
from tests.support.servers.brokers import PATIENCE_S, RunningBroker

pytestmark = pytest.mark.e2e

FAILED = 2
NO_BROKER = "127.0.0.1:1"


class Run(Protocol):
    """Runs ``driver-score`` with nothing but these settings."""

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]: ...


def run_process(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process, as a user would."""
    inherited = {name: given for name, given in os.environ.items() if not name.startswith("DRIVER_SCORE_")}
    return subprocess.run(
        [sys.executable, "-m", "driver_score", *arguments],
        env={**inherited, **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def execute_in_process(_program: str, command: list[str]) -> None:
    """Run ``python -m module arguments`` here, in place of `os.execv`, which would replace the tests by it."""
    _python, _option, module, *arguments = command
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process: the same code from `main` on, without seconds of imports."""
    handlers = logging.getLogger().handlers
    monkeypatch.setattr(logging.getLogger(), "handlers", handlers)

    def in_process(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        for name in [name for name in os.environ if name.startswith("DRIVER_SCORE_")]:
            monkeypatch.delenv(name)
        for name, setting in variables.items():
            monkeypatch.setenv(name, setting)
        monkeypatch.setattr(sys, "argv", ["driver-score", *arguments])
        monkeypatch.setattr(os, "execv", execute_in_process)
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        status = ended.value.code
        assert isinstance(status, int)
        return subprocess.CompletedProcess(arguments, status, said.out, said.err)

    return in_process


def error_line(ran: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a failed command ends with; log lines may stand before it."""
    assert ran.returncode == FAILED, ran.stderr
    assert ran.stdout == ""
    said = [line for line in ran.stderr.splitlines() if not is_log_line(line)]
    assert len(said) == 1, ran.stderr
    assert said[0].startswith("error: ")
    return said[0]


def is_log_line(line: str) -> bool:
    try:
        return bool(json.loads(line)["level"] == "info")
    except (ValueError, KeyError, TypeError):
        return False


@pytest.mark.parametrize(
    ("variable", "setting", "expected"),
    [
        ("KAFKA__PARTITIONS", "many", "valid integer"),
        ("KAFKA__PARTITIONS", "0", "greater than or equal to 1"),
        ("KAFKA__SECURITY_PROTOCOL", "TLS", "'PLAINTEXT'"),
        ("KAFKA__SECURITY_PROTOCOL", "SASL_SSL", "requires username and password"),
        ("KAFKA__PARTITIONZ", "4", "unknown setting"),
        ("KAFFKA__PARTITIONS", "4", "unknown setting"),
        ("KAFKA_PARTITIONS", "4", "unknown setting"),
        ("KAFKA", "localhost:9092", "not JSON"),
        ("DECODING__TIME_ZONES", "Europe/Berlin", "not JSON"),
        ("DECODING__TIME_ZONES", '{"client_1": "Mars/Olympus"}', "not an IANA time zone"),
        ("WINDOWS__GRACE_S", "60", "must be shorter than window_s"),
        ("THRESHOLDS__HARD_EVENTS__CAR__BRAKE_MPS2", "-1", "greater than 0"),
        ("WORKER__CHECKPOINT_S", "nan", "less than or equal to 60"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_wrong(run: Run, variable: str, setting: str, expected: str) -> None:
    said = error_line(run("worker", **{f"DRIVER_SCORE_{variable}": setting}))
    assert f"DRIVER_SCORE_{variable.partition('__')[0]}" in said or "DRIVER_SCORE_…" in said
    assert expected in said
    assert "docs/settings.md" in said


@pytest.mark.parametrize(
    "arguments",
    [("worker",), ("topics", "create"), ("replay",)],
    ids=" ".join,
)
def test_an_unreachable_broker_is_one_line_for_every_command(arguments: tuple[str, ...]) -> None:
    ran = run_process(*arguments, DRIVER_SCORE_KAFKA__BOOTSTRAP=NO_BROKER)
    assert ran.returncode == FAILED
    assert "Traceback" not in ran.stderr
    assert f"error: no Kafka broker answers at {NO_BROKER}" in ran.stderr.splitlines()[-1]
    assert "DRIVER_SCORE_KAFKA__BOOTSTRAP" in ran.stderr.splitlines()[-1]


def test_an_unreachable_broker_is_found_also_where_topics_are_not_created() -> None:
    settings = {"DRIVER_SCORE_KAFKA__BOOTSTRAP": NO_BROKER, "DRIVER_SCORE_WORKER__CREATE_TOPICS": "false"}
    assert f"no Kafka broker answers at {NO_BROKER}" in error_line(run_process("worker", **settings))


def test_with_debug_an_error_has_its_traceback() -> None:
    ran = run_process("--debug", "worker", DRIVER_SCORE_KAFKA__BOOTSTRAP=NO_BROKER)
    assert ran.returncode != 0
    assert "Traceback" in ran.stderr
    assert "BrokerUnavailableError" in ran.stderr


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a copy of the default model, to damage."""
    return Path(shutil.copytree(DEFAULT_MODEL, tmp_path / "model"))


def test_a_missing_model_says_how_to_get_one(run: Run, tmp_path: Path) -> None:
    said = error_line(run("worker", DRIVER_SCORE_MODEL__PATH=str(tmp_path / "nothing")))
    assert "no model at" in said
    assert "driver-score train" in said


def test_a_model_of_other_thresholds_is_refused_with_the_difference(run: Run) -> None:
    said = error_line(run("worker", DRIVER_SCORE_THRESHOLDS__IDLE_KMH="5"))
    assert (
        "was trained with other thresholds: DRIVER_SCORE_THRESHOLDS__IDLE_KMH is 5.0, and was 3.0 in training" in said
    )
    assert "driver-score train" in said


@pytest.mark.parametrize("name", ["model.onnx", "model.json"])
def test_half_a_model_is_a_missing_one(run: Run, model: Path, name: str) -> None:
    (model / name).unlink()
    assert "no model at" in error_line(run("worker", DRIVER_SCORE_MODEL__PATH=str(model)))


def flip_a_byte(model: Path) -> None:
    content = bytearray((model / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (model / "model.onnx").write_bytes(content)


def truncate_metadata(model: Path) -> None:
    text = (model / "model.json").read_text()
    (model / "model.json").write_text(text[: len(text) // 2])


def give_it_metadata_of_another(model: Path) -> None:
    metadata = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps({**metadata, "graph_sha256": "0" * 64}))


def change_its_golden_risks(model: Path) -> None:
    metadata = json.loads((model / "model.json").read_text())
    for row in metadata["golden_rows"]:
        row["risk"] = row["risk"] / 2
    (model / "model.json").write_text(json.dumps(metadata))


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (flip_a_byte, "is not the file that model.json describes"),
        (truncate_metadata, "is not a model's metadata"),
        (give_it_metadata_of_another, "is not the file that model.json describes"),
        (change_its_golden_risks, "golden rows differ"),
    ],
)
def test_a_corrupt_model_is_refused(run: Run, model: Path, damage: Callable[[Path], None], expected: str) -> None:
    damage(model)
    said = error_line(run("worker", DRIVER_SCORE_MODEL__PATH=str(model)))
    assert expected in said
    assert "Restore it from its source" in said


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.integration
def test_a_busy_metrics_port_is_a_wrong_setting(
    embedded_broker: RunningBroker, topic_prefix: str, busy_port: int
) -> None:
    said = error_line(
        run_process(
            "worker",
            DRIVER_SCORE_KAFKA__BOOTSTRAP=embedded_broker.bootstrap,
            DRIVER_SCORE_KAFKA__TOPIC_PREFIX=topic_prefix,
            DRIVER_SCORE_WORKER__METRICS_PORT=str(busy_port),
        )
    )
    assert f"can't listen on 127.0.0.1:{busy_port}" in said
    assert "or 0" in said


@pytest.mark.integration
def test_topics_with_another_number_of_partitions_are_refused(
    embedded_broker: RunningBroker, topic_prefix: str
) -> None:
    settings = {
        "DRIVER_SCORE_KAFKA__BOOTSTRAP": embedded_broker.bootstrap,
        "DRIVER_SCORE_KAFKA__TOPIC_PREFIX": topic_prefix,
    }
    missing = error_line(run_process("worker", **settings, DRIVER_SCORE_WORKER__CREATE_TOPICS="false"))
    assert f"topic {topic_prefix}trip-events: is missing" in missing
    assert "driver-score topics create" in missing
    assert run_process("topics", "create", **settings, DRIVER_SCORE_KAFKA__PARTITIONS="2").returncode == 0
    assert "has 2 partitions, but the settings say 3" in error_line(
        run_process("worker", **settings, DRIVER_SCORE_KAFKA__PARTITIONS="3")
    )


@pytest.mark.parametrize(
    ("name", "content", "arguments", "expected"),
    [
        ("nothing.csv", None, (), "no such file"),
        ("trips.xyz", "a,b\n1,2\n", (), "its format is not known from its name"),
        ("trips.csv", "a,b\n1,2\n", (), "--map"),
        ("trips.csv", "", (), ""),
        ("trips.parquet", "not parquet", (), ""),
        ("trips.parquet", "not parquet", ("--format", "100car"), ""),
        ("trips.csv.gz", "not gzip", ("--format", "kit-obd2"), ""),
        ("trips.csv", "a,b\n1,2\n", ("--format", "xls"), "xls"),
    ],
)
def test_a_file_that_is_not_what_it_is_said_to_be_is_one_line(
    run: Run, tmp_path: Path, name: str, content: str | None, arguments: tuple[str, ...], expected: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    ran = run("replay", str(path), *arguments, DRIVER_SCORE_KAFKA__BOOTSTRAP=NO_BROKER)
    said = error_line(ran)
    assert expected in said


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("druid", "query", "--list"), 0),
        (("stack", "status"), 1),
        (("dashboards", "check", "--folder", "."), FAILED),
        (("nonsense",), FAILED),
        (("topics", "create", "--nonsense"), FAILED),
        (("demo", "--speed", "fast"), FAILED),
    ],
)
def test_commands_exit_with_the_statuses_that_are_documented(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], status: int
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments, DRIVER_SCORE_STACK__FOLDER=str(tmp_path)).returncode == status


@pytest.mark.parametrize("arguments", [("dashboards", "build", "--folder"), ("alerts", "config", "--output")])
def test_a_path_that_cannot_be_written_is_one_line(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "below"
    assert str(path) in error_line(run(*arguments, str(path)))
