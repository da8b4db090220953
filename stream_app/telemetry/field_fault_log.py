"""Field faults in the worker's log: one summary line a minute, however many events have them."""

import time
from collections import Counter
from collections.abc import Callable, Mapping

import structlog

from schemas.messages.optional_fields import FieldFault
from stream_app.telemetry.repeated_lines import PERIOD_S

log = structlog.get_logger(__name__)


class FieldFaultLog:
    """Adds up field faults, and logs what was added since its last line.

    The first faults are logged at once, later ones with the first batch after the period. Counts differ from line to
    line, so that the limit of repeated lines would not hold them together.

    Parameters
    ----------
    period_s
        Time between two lines.
    clock_s
        A clock that never goes back, seconds.
    """

    def __init__(self, period_s: float = PERIOD_S, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._period_s = period_s
        self._clock_s = clock_s
        self._counts: Counter[tuple[str, FieldFault]] = Counter()
        self._next_s = clock_s()

    def add(self, faults: Mapping[tuple[str, FieldFault], int]) -> None:
        """Add the faults of a batch, perhaps none, and write a line if it is time."""
        self._counts.update(faults)
        if not self._counts or self._clock_s() < self._next_s:
            return
        fields = {f"{field}:{fault}": count for (field, fault), count in self._counts.most_common()}
        log.warning("optional fields have values that count as unknown", events_by_field_and_fault=fields)
        self._counts.clear()
        self._next_s = self._clock_s() + self._period_s
