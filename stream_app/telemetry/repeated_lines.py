"""Repeated log lines are written a few times a minute, then counted.

While a broker does not answer, aiokafka and librdkafka log each attempt to connect, many times a second: 600 KB a
minute, in which the one line that matters is lost.

The rule is that of Go's zap (first N with the same level and message in each tick) with the report of Rust's log_limit
(how many were left out, once the period is over). Libraries put values into their messages, so two limits apply to
them: one to identical lines, one to lines that differ in numbers only, such as milliseconds, node ids and ports.
"""

import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TextIO

PERIOD_S: Final = 60.0
"""A minute of an outage is told by a few lines; longer, and a count would come too late for who reads along."""

SAME_LINES: Final = 3
"""Identical lines in a period: the first one is news, a second and third show that it goes on."""

SIMILAR_LINES: Final = 10
"""Lines of a library that differ in numbers only: they show different nodes and partitions before they are cut off."""

_MAX_KINDS: Final = 1000
"""Kinds of lines that are counted at a time; some dozens occur in an outage."""

_COMPARED_CHARACTERS: Final = 1000
_SHOWN_CHARACTERS: Final = 200
_NUMBERS: Final = re.compile(r"[0-9a-f]*\d[0-9a-f]*")
_NO_FIELDS: Final = frozenset({"event", "level", "logger", "timestamp"})


class _Kind(NamedTuple):
    """Lines that share a limit."""

    logger: str
    level: int
    shape: str


@dataclass
class _Period:
    """What was written and suppressed of a kind of lines, until a time."""

    ends_s: float
    written: Counter[str] = field(default_factory=Counter)
    suppressed: int = 0
    last: str = ""


class RepeatLimitingHandler(logging.StreamHandler[TextIO]):
    """Writes each kind of line a few times in a period, and at its end one line that says how many were suppressed.

    The first line of a kind is always written at once. A line of ours, with fields, is limited only together with
    lines of the same level, event and fields: other partitions and other reasons are other lines. A line of a library
    is limited together with those that differ from it in numbers only.

    Parameters
    ----------
    stream
        Where lines are written.
    period_s
        Time in which a kind of line is limited.
    clock_s
        A clock that never goes back, seconds.
    """

    def __init__(
        self, stream: TextIO, period_s: float = PERIOD_S, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(stream)
        self._period_s = period_s
        self._clock_s = clock_s
        self._periods: dict[_Kind, _Period] = {}  # in the order of their ends
        self._timer: threading.Timer | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or count it as suppressed; called with the handler's lock held."""
        try:
            kind, line = _kind_and_line(record)
        except Exception:  # noqa: BLE001 - a line that can't be formatted is reported as logging does it
            self.handleError(record)
            return
        self._end_periods(self._clock_s())
        period = self._periods.get(kind)
        if period is None:
            period = self._begin_period(kind)
        if period.written[line] < SAME_LINES and period.written.total() < SIMILAR_LINES:
            period.written[line] += 1
            super().emit(record)
        else:
            period.suppressed += 1
            period.last = line[:_SHOWN_CHARACTERS]
            self._start_timer()

    def write_suppressed(self) -> None:
        """Write now how many lines were suppressed, and begin to count again: before the last line of a process."""
        self.acquire()
        try:
            self._end_periods(float("inf"))
        finally:
            self.release()

    def close(self) -> None:
        """Write how many lines were suppressed, and end."""
        self.write_suppressed()
        if self._timer is not None:
            self._timer.cancel()
        super().close()

    def _begin_period(self, kind: _Kind) -> _Period:
        if len(self._periods) >= _MAX_KINDS:
            oldest = next(iter(self._periods))
            self._report(oldest, self._periods.pop(oldest))
        period = self._periods[kind] = _Period(self._clock_s() + self._period_s)
        return period

    def _end_periods(self, now_s: float) -> None:
        """End the periods that are over, and report what was suppressed in them."""
        while self._periods:
            kind = next(iter(self._periods))
            if self._periods[kind].ends_s > now_s:
                return
            self._report(kind, self._periods.pop(kind))

    def _report(self, kind: _Kind, period: _Period) -> None:
        if not period.suppressed:
            return
        report = {
            "name": kind.logger,
            "levelno": kind.level,
            "levelname": logging.getLevelName(kind.level),
            "msg": "repeated lines were suppressed",
            "suppressed": period.suppressed,
            "period_s": self._period_s,
            "like": period.last,
        }
        super().emit(logging.makeLogRecord(report))

    def _start_timer(self) -> None:
        """Report at the end of the period also when no further line comes."""
        if self._timer is None:
            self._timer = threading.Timer(self._period_s, self._on_timer)
            self._timer.daemon = True
            self._timer.start()

    def _on_timer(self) -> None:
        self.acquire()
        try:
            self._timer = None
            self._end_periods(self._clock_s())
            if any(period.suppressed for period in self._periods.values()):
                self._start_timer()
        finally:
            self.release()


REPORTED_FIELDS: Final = ("suppressed", "period_s", "like")
"""Attributes of the records that report suppressed lines."""


def _kind_and_line(record: logging.LogRecord) -> tuple[_Kind, str]:
    """Return what a line is limited by, and the line itself as far as it is compared."""
    if isinstance(record.msg, dict):  # of structlog: an event with its fields
        fields = sorted(f"{name}={given!r}" for name, given in record.msg.items() if name not in _NO_FIELDS)
        line = " ".join([str(record.msg.get("event")), *fields])
        return _Kind(record.name, record.levelno, line), line
    line = record.getMessage()
    if record.exc_info and record.exc_info[0] is not None:
        line = f"{line} {record.exc_info[0].__name__}: {record.exc_info[1]}"
    line = line[:_COMPARED_CHARACTERS]
    return _Kind(record.name, record.levelno, _NUMBERS.sub("#", line)), line
