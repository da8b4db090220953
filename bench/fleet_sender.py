"""A fleet that sends at a steady pace, from a process of its own."""

import json
import subprocess
import sys
from types import TracebackType
from typing import IO, Self

from bench.measuring import BenchmarkError
from bench.workers import Place


class FleetSender:
    """Sends a first part at once, for a worker to warm up, and the remaining part at a pace, once it reads a line.

    Parameters
    ----------
    place
        Whose topic of events.
    vehicles
        Of the fleet.
    first, events
        Sent at once, and at the pace.
    events_per_s
        The pace.
    """

    def __init__(self, place: Place, *, vehicles: int, first: int, events: int, events_per_s: float) -> None:
        self._events = events
        command = [sys.executable, "-m", "bench.sending", place.bootstrap, place.topic]
        command += [f"--vehicles={vehicles}", f"--first={first}", f"--events={events}"]
        command += [f"--events-per-s={events_per_s}"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.process.kill()
        with self.process:
            pass

    def first_records(self) -> int:
        """Wait until the first part is sent; return its number of records."""
        return int(_read_json_line(self.process.stdout)["records"])

    def go(self) -> None:
        """Begin with the remaining part."""
        if self.process.stdin is None:
            raise BenchmarkError("the sender has no pipes")
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()

    def sent_per_s(self) -> float:
        """Wait until all is sent; return the actual rate."""
        return self._events / _read_json_line(self.process.stdout)["elapsed_s"]


def _read_json_line(output: IO[bytes] | None) -> dict[str, float]:
    line = output.readline() if output is not None else b""
    if not line:
        raise BenchmarkError("the sender ended early")
    numbers: dict[str, float] = json.loads(line)
    return numbers
