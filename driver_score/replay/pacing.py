"""When each message is due on the wall clock."""

import threading
import time
from typing import Protocol

import numpy as np
import numpy.typing as npt


class Clock(Protocol):
    """The wall clock as replay needs it; tests bring their own."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""

    def wait(self, seconds: float) -> None:
        """Let time pass, or less when somebody wants to stop."""


class StoppableClock:
    """The machine's clock, whose waits end when an event is set."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Let time pass, or less when the event is set."""
        self._stop.wait(seconds)


class Pace:
    """Turns event times, slice after slice, into seconds after the start.

    Parameters
    ----------
    speed
        Times real time; null for as fast as possible: everything is due at once.
    max_pause_s
        Longer stretches of event time without a message count as this long; null for none shortened.
    """

    def __init__(self, speed: float | None, *, max_pause_s: float | None) -> None:
        self._speed = speed
        self._max_pause_s = max_pause_s
        self._newest_ms: int | None = None
        self._passed_s = 0.0

    def due_s(self, send_ms: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the seconds after the start at which each message of the next slice is due.

        Parameters
        ----------
        send_ms
            Event times of sending, in order, epoch milliseconds; at least one.
        """
        if self._speed is None:
            return np.zeros(len(send_ms))
        before_ms = send_ms[0] if self._newest_ms is None else self._newest_ms
        steps_s = np.diff(send_ms, prepend=before_ms) / 1000
        due = self._passed_s + np.cumsum(np.clip(steps_s, 0, self._max_pause_s)) / self._speed
        self._newest_ms, self._passed_s = int(send_ms[-1]), float(due[-1])
        return due
