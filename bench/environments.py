"""The Python environment of a peer whose dependencies and ours exclude each other."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.measuring import BenchmarkError
from stream_app.stack.programs import DEFAULT_CACHE_DIR, REPOSITORY_DIR

QUIX_STREAMS: Final = "quixstreams==3.28.1"
"""It takes confluent-kafka and pydantic of half a year ago, where `constraints.txt` has newer ones."""


def quix_python(cache_dir: Path = DEFAULT_CACHE_DIR) -> Path:
    """Give the Python of an environment with Quix Streams and this project, made unless it is there.

    Raises
    ------
    BenchmarkError
        When pip fails.
    """
    folder = cache_dir.absolute() / f"{QUIX_STREAMS.replace('==', '-')}-python{sys.version_info.minor}"
    python = folder / "bin" / "python"
    made = folder / "made"
    if not made.exists():
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--editable", f"{REPOSITORY_DIR}[bench]"])
        made.touch()
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(f"`{' '.join(command)}` failed:\n{done.stderr.strip()[-2000:]}")
