"""A stop within a bounded time: it succeeds, or the process ends and says why."""

import logging
import os
import threading
from collections.abc import Callable

import structlog

from schemas.errors import ExitStatus
from stream_app.telemetry.logs import write_suppressed_lines

log = structlog.get_logger(__name__)


class StopDeadline:
    """Ends the process when its stop takes too long.

    Many places wait for a broker that is unreachable, some of them in other threads, which no exception ends. So one
    thread measures the time for all of them.

    Parameters
    ----------
    timeout_s
        How long a stop may take.
    holdup
        Gives what the stop waits for, as far as is known.
    exit_process
        Ends the process at once, with a status.
    """

    def __init__(
        self, timeout_s: float, holdup: Callable[[], str], exit_process: Callable[[int], object] = os._exit
    ) -> None:
        self._timeout_s = timeout_s
        self._holdup = holdup
        self._exit_process = exit_process
        self._cause: str | None = None
        self._timer = threading.Timer(timeout_s, self._give_up)
        self._timer.daemon = True

    def begin(self, cause: BaseException | None = None) -> None:
        """Begin to count; called again, it only adds the error that ended the work."""
        if cause is not None:
            self._cause = str(cause)
        if not self._timer.is_alive() and not self._timer.finished.is_set():
            self._timer.start()

    def cancel(self) -> None:
        """Note that the stop is done."""
        self._timer.cancel()

    def _give_up(self) -> None:
        write_suppressed_lines()
        log.error(
            "not stopped in time; what is not committed will be read again",
            timeout_s=self._timeout_s,
            reason=self._cause or self._holdup(),
        )
        logging.shutdown()
        self._exit_process(ExitStatus.FAILED)
