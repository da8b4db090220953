"""The Python environment of a peer whose dependencies and ours exclude each other.

Quix Streams takes confluent-kafka and pydantic older than those of ``constraints.txt``, so it gets the newest that it
takes, in an environment of its own.
"""

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

from bench.measuring import BenchmarkError
from driver_score.local_stack.programs import DEFAULT_CACHE_DIR, REPOSITORY_DIR

_PROJECT: Final = REPOSITORY_DIR / "pyproject.toml"


def quix_version() -> str:
    """Return the version of Quix Streams that the extra ``bench`` names."""
    extras = tomllib.loads(_PROJECT.read_text())["project"]["optional-dependencies"]
    version: str = extras["bench"][0].partition("==")[2]
    return version


def quix_python(cache_dir: Path = DEFAULT_CACHE_DIR) -> Path:
    """Return the Python of an environment with Quix Streams and this project, made or brought up to date if need be.

    Raises
    ------
    BenchmarkError
        When pip fails.
    """
    folder = cache_dir.absolute() / f"quixstreams-python3.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    made_of = folder / "made-of"
    wanted = hashlib.sha256(_PROJECT.read_bytes()).hexdigest()
    if not made_of.exists() or made_of.read_text() != wanted:
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--editable", f"{REPOSITORY_DIR}[bench]"])
        made_of.write_text(wanted)
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(f"`{' '.join(command)}` failed:\n{done.stderr.strip()[-2000:]}")
