"""Process ids of the stack in a file, so that a later command finds and stops the processes."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import psutil

from driver_score.local_stack.server_process import STOP_TIMEOUT_S

_CLOCK_STEP_S: Final = 60.0
"""The creation time is computed from the system's clock, which may be adjusted while the process runs."""


@dataclass(frozen=True)
class ProcessRecord:
    """A process that was started.

    Attributes
    ----------
    pid
        Its id.
    created_s
        When it was created, epoch seconds: a process id alone may be reused by another process.
    """

    pid: int
    created_s: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """Record a running process."""
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """Return the process if it still runs."""
        try:
            process = psutil.Process(self.pid)
            is_ours = abs(process.create_time() - self.created_s) < _CLOCK_STEP_S
            runs = process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if is_ours and runs else None


class ProcessRecords:
    """Records of the stack's processes by name, in a file.

    Parameters
    ----------
    path
        Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def running(self) -> dict[str, psutil.Process]:
        """Return the processes that still run."""
        found = {name: record.process() for name, record in self._read().items()}
        return {name: process for name, process in found.items() if process is not None}

    def add(self, name: str, pid: int) -> None:
        """Add a process that was just started."""
        self._write({**self._read(), name: ProcessRecord.of(pid)})

    def remove(self, name: str) -> None:
        """Remove a process."""
        self._write({other: record for other, record in self._read().items() if other != name})

    def _read(self) -> dict[str, ProcessRecord]:
        if not self._path.exists():
            return {}
        return {name: ProcessRecord(**record) for name, record in json.loads(self._path.read_text()).items()}

    def _write(self, records: dict[str, ProcessRecord]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps({name: asdict(record) for name, record in records.items()}, indent=2))
        temporary.replace(self._path)


def stop_processes(processes: Sequence[psutil.Process]) -> None:
    """Stop processes concurrently: SIGTERM, then SIGKILL after `STOP_TIMEOUT_S`."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended by itself
            process.terminate()
    _, left = psutil.wait_procs(processes, timeout=STOP_TIMEOUT_S)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=STOP_TIMEOUT_S)
