"""A copy of the repository in which one mutant after the other is tested."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tests.mutation.mutants import Mutant
from tests.mutation.rooms import REPOSITORY, Room

Outcome = Literal["killed", "timeout", "survived"]

_SLOWER: Final = 3.0
"""Tests of a mutant may take so many times what they took without one, when kernels were compiled too."""

_UNMUTATED_TIMEOUT_S: Final = 1800.0


@dataclass(frozen=True)
class Verdict:
    """What the tests said of a mutant, and how long they took."""

    mutant: Mutant
    outcome: Outcome
    seconds: float


class Workshop:
    """A copy of the repository.

    Parameters
    ----------
    folder
        Where it is made.
    """

    def __init__(self, folder: Path) -> None:
        self._root = folder / "repository"
        self._kernels = folder / "kernels"
        self._unmutated_s: dict[str, float] = {}
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True)  # noqa: S607
        for name in filter(None, listed.stdout.decode().split("\0")):
            (self._root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, self._root / name)

    def test(self, mutant: Mutant) -> Verdict:
        """Test a mutant with the tests of its room; before the first of a room, test that they pass without one."""
        if mutant.room.name not in self._unmutated_s:
            self._unmutated_s[mutant.room.name] = self._time_unmutated(mutant.room)
        path = self._root / mutant.module
        original = path.read_text()
        compiled = set(self._kernels.glob("*"))
        path.write_text(mutant.code())
        started = time.monotonic()
        try:
            status = self._run_tests(mutant.room, _SLOWER * self._unmutated_s[mutant.room.name])
        finally:
            path.write_text(original)
            for folder in set(self._kernels.glob("*")) - compiled:
                shutil.rmtree(folder)
        outcome: Outcome = "timeout" if status is None else "killed" if status else "survived"
        return Verdict(mutant, outcome, time.monotonic() - started)

    def _time_unmutated(self, room: Room) -> float:
        started = time.monotonic()
        if self._run_tests(room, _UNMUTATED_TIMEOUT_S) != 0:
            raise AssertionError(f"the tests of {room.name} fail without a mutant")
        return time.monotonic() - started

    def _run_tests(self, room: Room, timeout_s: float) -> int | None:
        """Run the tests up to the first that fails; return the status, or null when they were not through in time."""
        options = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not integration and not e2e"]
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, *map(str, room.test_paths(self._root))],
            cwd=self._root,
            env={**os.environ, "NUMBA_CACHE_DIR": str(self._kernels), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # processes that tests started, too
            process.wait()
