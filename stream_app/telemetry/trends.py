"""What is told of numbers over time: how fast a restore goes on, and whether a counter rises."""

from collections.abc import Callable
from typing import Final

CALM_S: Final = 300.0
"""A rise is told for five minutes after it ended: a person who looks, or a scrape, comes later than a crash."""


class RestoreRate:
    """How many records are restored per second, since there is something to restore."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None
        self._last = (0, 0.0)

    def add(self, records_left: int, now_s: float) -> None:
        """Add how many records are left to restore at a time; more than before begin another restore."""
        if records_left == 0:
            self._first = None
        elif self._first is None or records_left > self._last[0]:
            self._first = (records_left, now_s)
        self._last = (records_left, now_s)

    @property
    def records_per_s(self) -> float:
        """The mean rate since the restore began; 0 until it has gone on for some time."""
        if self._first is None or self._last[1] <= self._first[1]:
            return 0.0
        return (self._first[0] - self._last[0]) / (self._last[1] - self._first[1])


class Rise:
    """By how much a counter has risen, from when it was calm until it is again.

    Parameters
    ----------
    read
        Gives the counter, which never falls.
    """

    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read
        self._calm = self._last = read()
        self._rose_s = float("-inf")

    def sample(self, now_s: float) -> None:
        """Read the counter at a time of a clock that never goes back."""
        count = self._read()
        if count > self._last:
            self._rose_s = now_s
        elif now_s - self._rose_s > CALM_S:
            self._calm = count
        self._last = count

    @property
    def amount(self) -> float:
        """How much it has risen; 0 while it is calm."""
        return self._last - self._calm
