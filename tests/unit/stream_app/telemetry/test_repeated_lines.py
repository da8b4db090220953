"""Repeated log lines: which are written, and what is told of the others."""

import io
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog

from stream_app.telemetry import logs
from stream_app.telemetry.repeated_lines import SAME_LINES, SIMILAR_LINES, RepeatLimitingHandler
from tests.support.servers.brokers import wait_until

PERIOD_S = 60.0


@dataclass
class Written:
    """A logger of a library and one of ours, on one handler whose clock tests set."""

    now_s: float = 0.0
    stream: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.handler = RepeatLimitingHandler(self.stream, PERIOD_S, lambda: self.now_s)
        self.handler.setFormatter(logging.Formatter("%(name)s|%(levelname)s|%(message)s"))
        self.library = self._logger("aiokafka.client")
        self.ours = structlog.wrap_logger(
            self._logger("stream_app.output"),
            processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
            wrapper_class=structlog.stdlib.BoundLogger,
        )

    def _logger(self, name: str) -> logging.Logger:
        logger = logging.Logger(name)  # noqa: LOG001 - not shared with other tests
        logger.addHandler(self.handler)
        return logger

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    def count(self, text: str) -> int:
        return sum(text in line for line in self.lines)


@pytest.fixture
def written() -> Iterator[Written]:
    written = Written()
    yield written
    written.handler.close()


def test_the_first_line_of_each_kind_is_written_at_once(written: Written) -> None:
    written.library.error("Unable connect to node with id %s: %s", 1, "refused")
    written.library.error("Unable to update metadata from %s", [1])
    written.library.warning("Unable to update metadata from %s", [1])
    written.ours.error("message not delivered", topic="driver-scores", reason="timed out")
    assert len(written.lines) == 4


def test_the_same_line_is_written_a_few_times_a_period_and_then_counted(written: Written) -> None:
    for _ in range(700):
        written.library.error("Unable connect to node with id %s: %s", 1, "refused")
    assert len(written.lines) == SAME_LINES
    written.now_s = PERIOD_S
    written.library.error("Unable connect to node with id %s: %s", 1, "refused")
    *_, report, first_again = written.lines
    assert report == "aiokafka.client|ERROR|repeated lines were suppressed"
    assert first_again.endswith("refused")


def test_lines_of_a_library_that_differ_in_numbers_are_limited_together_and_show_different_ones_first(
    written: Written,
) -> None:
    for milliseconds in range(500):
        written.library.error("%s [%s] %s", "FAIL", "rdkafka#producer-1", f"refused (after {milliseconds}ms)")
    assert len(set(written.lines)) == len(written.lines) == SIMILAR_LINES


def test_other_messages_with_the_same_template_are_other_lines(written: Written) -> None:
    for _ in range(100):
        written.library.error("%s [%s] %s", "FAIL", "rdkafka#producer-1", "connection refused")
    written.library.error("%s [%s] %s", "FATAL", "rdkafka#producer-1", "fenced by another producer")
    assert written.count("fenced") == 1


def test_an_exception_of_another_kind_is_another_line(written: Written) -> None:
    for error in (*[OSError("refused")] * 50, ValueError("not a number")):
        try:
            raise error
        except (OSError, ValueError):
            written.library.exception("Unexpected error in fetcher routine")
    assert written.count("Traceback") == SAME_LINES + 1


def test_our_lines_with_other_fields_are_never_suppressed(written: Written) -> None:
    for partition in range(200):
        for _ in range(5):
            written.ours.error("records expired before they were read", topic="trip-events", partition=partition)
    assert len(written.lines) == 200 * SAME_LINES
    assert all(written.count(f"'partition': {partition},") == SAME_LINES for partition in range(200))


def test_the_end_of_a_period_is_reported_without_a_further_line() -> None:
    stream = io.StringIO()
    handler = RepeatLimitingHandler(stream, period_s=0.05)
    handler.setFormatter(logging.Formatter("%(message)s"))
    record = logging.makeLogRecord({"msg": "refused", "levelno": logging.ERROR})
    for _ in range(50):
        handler.handle(record)
    wait_until(lambda: "repeated lines were suppressed" in stream.getvalue(), "the report")
    handler.close()


def test_what_was_suppressed_is_reported_before_the_last_line_and_when_the_process_ends(written: Written) -> None:
    for _ in range(10):
        written.library.error("refused")
    written.handler.write_suppressed()
    written.ours.info("stopped")
    assert written.lines[-1].endswith("{'event': 'stopped'}")
    assert written.count("repeated lines were suppressed") == 1
    for _ in range(10):
        written.library.error("refused")
    written.handler.close()
    assert written.count("repeated lines were suppressed") == 2


def test_more_kinds_of_lines_than_are_counted_at_a_time_are_all_written(written: Written) -> None:
    for number in range(3000):
        written.ours.error("fetched ahead", at=number)
    assert len(written.lines) == 3000
    assert len(written.handler._periods) <= 1000


def test_a_line_that_cannot_be_formatted_does_not_fail_who_wrote_it(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    written.library.error("%s and %s", "one")
    assert "not enough arguments for format string" in capsys.readouterr().err


def test_threads_that_write_the_same_line_write_it_a_few_times_in_all(written: Written) -> None:
    begin = threading.Barrier(4)

    def write() -> None:
        begin.wait()
        for _ in range(200):
            written.library.error("refused")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written.lines) == SAME_LINES
    assert sum(period.suppressed for period in written.handler._periods.values()) == 800 - SAME_LINES


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Configure logs as a worker does, and give what it writes."""
    stream, root = io.StringIO(), logging.getLogger()
    monkeypatch.setattr("sys.stderr", stream)
    handlers, level = root.handlers, root.level
    configuration = structlog.get_config()
    logs.configure_logs()
    yield stream
    for handler in root.handlers:
        handler.close()
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**configuration)


def parsed(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_the_report_of_our_lines_shows_one_with_its_fields(said: io.StringIO) -> None:
    ours = structlog.wrap_logger(logging.getLogger("stream_app.output"), wrapper_class=structlog.stdlib.BoundLogger)
    for _ in range(20):
        ours.error("message not delivered", topic="driver-scores", reason="timed out")
    logs.write_suppressed_lines()
    assert parsed(said)[-1]["like"] == "message not delivered reason='timed out' topic='driver-scores'"


def test_the_report_is_a_structured_line_with_its_logger_level_and_an_example(said: io.StringIO) -> None:
    library = logging.getLogger("librdkafka")
    for _ in range(20):
        library.error("%s [%s] %s", "FAIL", "rdkafka#producer-1", "refused")
    logs.write_suppressed_lines()
    *lines, report = parsed(said)
    assert [line["event"] for line in lines] == ["FAIL [rdkafka#producer-1] refused"] * SAME_LINES
    del report["timestamp"]
    assert report == {
        "event": "repeated lines were suppressed",
        "logger": "librdkafka",
        "level": "error",
        "suppressed": 20 - SAME_LINES,
        "period_s": 60.0,
        "like": "FAIL [rdkafka#producer-1] refused",
    }
