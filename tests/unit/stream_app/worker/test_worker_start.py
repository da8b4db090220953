"""How a worker begins that can't."""

import asyncio

import pytest
from structlog.testing import capture_logs

from driver_score.local_stack.server_process import LOOPBACK, free_port
from schemas.settings import ExposureSettings, KafkaSettings, Settings
from schemas.thresholds import ThresholdProfile
from scoring.errors import ModelThresholdsError
from stream_app.kafka import BrokerUnavailableError
from stream_app.telemetry.health import WorkerHealth
from stream_app.worker.graceful_stop import StopDeadline
from stream_app.worker.run import _run
from stream_app.worker.wiring import load_scorer


def test_a_broker_that_stops_after_its_topics_were_checked_is_an_error_that_names_it() -> None:
    bootstrap = f"{LOOPBACK}:{free_port()}"
    settings = Settings(kafka=KafkaSettings(bootstrap=bootstrap))
    deadline = StopDeadline(settings.worker.stop_timeout_s, holdup=lambda: "nothing")
    try:
        with pytest.raises(BrokerUnavailableError, match=f"no Kafka broker answers at {bootstrap} "):
            asyncio.run(_run(settings, load_scorer(settings), WorkerHealth(60), deadline))
    finally:
        deadline.cancel()  # else it would end the process that runs the tests


def test_a_model_of_other_thresholds_than_the_settings_is_refused() -> None:
    with pytest.raises(ModelThresholdsError, match=r"STOP_S is 20\.0, and was 10\.0 in training"):
        load_scorer(Settings(thresholds=ThresholdProfile(stop_s=20)))


@pytest.mark.parametrize(("min_trip_km", "warnings"), [(1.0, 0), (0.5, 1)])
def test_trips_shorter_than_those_of_training_are_scored_with_a_warning(min_trip_km: float, warnings: int) -> None:
    with capture_logs() as logs:
        load_scorer(Settings(exposure=ExposureSettings(min_trip_km=min_trip_km)))
    assert len(logs) == warnings
    assert all(log["log_level"] == "warning" and log["min_trip_km"] == 1.0 for log in logs)
