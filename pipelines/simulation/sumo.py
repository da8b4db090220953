"""Finds and runs the programs of Eclipse SUMO."""

import importlib.util
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pipelines.simulation.errors import SumoFailedError, SumoMissingError

STDERR_TAIL_LINES = 3
"""Lines of a failed program that go into the error: SUMO names the cause in the last one or two."""


def sumo_home() -> Path:
    """Return the folder of the installed ``eclipse-sumo`` package.

    Raises
    ------
    SumoMissingError
        When the package is not installed, or installed without its programs.
    """
    spec = importlib.util.find_spec("sumo")
    if spec is None or spec.origin is None:
        raise SumoMissingError
    home = Path(spec.origin).parent
    if not any((home / "bin").glob("sumo*")):
        raise SumoMissingError
    return home


def run_sumo(program: str, arguments: Sequence[str], *, folder: Path) -> None:
    """Run ``program`` of SUMO (``sumo``, ``netconvert``) in ``folder``, where it writes its outputs.

    Raises
    ------
    SumoMissingError
        When SUMO is not installed.
    SumoFailedError
        When the program ends with another status than 0.
    """
    home = sumo_home()
    finished = subprocess.run(  # noqa: S603  (the program comes from the installed package)
        [str(home / "bin" / program), *arguments],
        cwd=folder,
        env={**os.environ, "SUMO_HOME": str(home)},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if finished.returncode:
        tail = [line.strip() for line in finished.stderr.splitlines() if line.strip()]
        raise SumoFailedError(program, finished.returncode, tail[-STDERR_TAIL_LINES:])
