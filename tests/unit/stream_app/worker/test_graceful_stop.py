"""The one deadline of a stop."""

import threading

import pytest
from structlog.testing import capture_logs

from schemas.errors import ExitStatus
from stream_app.kafka import BrokerUnavailableError
from stream_app.worker.graceful_stop import StopDeadline


class Exit:
    """Takes the place of the end of the process."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.happened = threading.Event()

    def __call__(self, status: int) -> None:
        self.status = status
        self.happened.set()


@pytest.fixture
def exit_process(monkeypatch: pytest.MonkeyPatch) -> Exit:
    monkeypatch.setattr("logging.shutdown", lambda: None)  # pytest still writes
    return Exit()


def test_a_stop_that_takes_too_long_ends_the_process_with_one_line_that_says_why(exit_process: Exit) -> None:
    deadline = StopDeadline(0.01, lambda: "no broker answers", exit_process)
    with capture_logs() as lines:
        deadline.begin()
        deadline.begin()  # a second signal does not start it again
        assert exit_process.happened.wait(10)
    assert exit_process.status == ExitStatus.FAILED
    (line,) = lines
    assert "what is not committed will be read again" in line["event"]
    assert line["reason"] == "no broker answers"


def test_the_error_that_ended_the_work_is_the_reason(exit_process: Exit) -> None:
    deadline = StopDeadline(0.01, lambda: "unknown", exit_process)
    with capture_logs() as lines:
        deadline.begin(BrokerUnavailableError("kafka:9092"))
        assert exit_process.happened.wait(10)
    assert lines[0]["reason"].startswith("no Kafka broker answers at kafka:9092")


def test_a_stop_in_time_is_left_alone(exit_process: Exit) -> None:
    deadline = StopDeadline(60, lambda: "unknown", exit_process)
    deadline.begin()
    deadline.cancel()
    deadline._timer.join(10)
    deadline.begin()
    assert not deadline._timer.is_alive(), "it does not begin again"
    assert exit_process.status is None
