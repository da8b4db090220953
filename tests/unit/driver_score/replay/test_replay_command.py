from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from driver_score.cli.trips.replay import parse_speed, replay
from driver_score.local_stack.server_process import free_port
from driver_score.replay import sending
from schemas.errors import DriverScoreError, SettingsError
from scoring.errors import InputFileError
from stream_app.kafka import BrokerUnavailableError

app = typer.Typer()
app.command()(replay)


def failure(*arguments: str) -> DriverScoreError:
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, DriverScoreError)
    return error


@pytest.mark.parametrize(
    ("text", "speed"), [("realtime", 1.0), ("max", None), ("60", 60.0), ("60x", 60.0), ("0.5", 0.5)]
)
def test_a_speed_is_real_time_a_number_of_times_or_as_fast_as_it_goes(text: str, speed: float | None) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["fast", "0", "-1", "nan", "inf", ""])
def test_another_speed_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="Use realtime, max, or a number"):
        parse_speed(text)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("trips", "its format is not known from its name. Add --format, one of fleet"),
        ("trips.xml", "its format is not known from its name"),
        ("trips.jsonl.gz", "there is no such file"),
        ("trips.csv", "there is no such file"),
        ("trips.parquet", "there is no such file"),
    ],
)
def test_the_format_follows_from_the_name(tmp_path: Path, name: str, says: str) -> None:
    error = failure(str(tmp_path / name))
    assert isinstance(error, InputFileError)
    assert says in str(error)


def test_a_map_file_and_map_words_go_together(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text("[map]\ntimestamp = 'ts'\nspeed_kmh = 'v'\n")
    trips = tmp_path / "trips.csv"
    trips.write_text("ts,v\n2026-03-02T08:15:00Z,1\n")
    error = failure(str(trips), "--map-file", str(tmp_path / "map.toml"), "--map", "vehicle_id==veh_1")
    assert "no column for client_id" in str(error)


def test_a_broker_that_does_not_answer_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "CONNECT_TIMEOUT_S", 0.5)
    trips = tmp_path / "trips.jsonl"
    trips.write_text("{}\n")
    bootstrap = f"127.0.0.1:{free_port()}"
    error = failure(str(trips), "--bootstrap", bootstrap)
    assert isinstance(error, BrokerUnavailableError)
    assert bootstrap in str(error)
