"""How a worker begins that can't."""

import asyncio

import pytest

from driver_score.local_stack.server_process import LOOPBACK, free_port
from schemas.settings import KafkaSettings, Settings
from stream_app.kafka import BrokerUnavailableError
from stream_app.telemetry.health import WorkerHealth
from stream_app.worker.graceful_stop import StopDeadline
from stream_app.worker.run import _run
from stream_app.worker.wiring import load_scorer


def test_a_broker_that_stops_after_its_topics_were_checked_is_an_error_that_names_it() -> None:
    bootstrap = f"{LOOPBACK}:{free_port()}"
    settings = Settings(kafka=KafkaSettings(bootstrap=bootstrap))
    deadline = StopDeadline(settings.worker.stop_timeout_s, holdup=lambda: "nothing")
    with pytest.raises(BrokerUnavailableError, match=f"no Kafka broker answers at {bootstrap} "):
        asyncio.run(_run(settings, load_scorer(settings), WorkerHealth(60), deadline))
