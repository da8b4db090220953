"""Where a benchmark ran, and with what."""

import importlib.metadata
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psutil

from bench.peers.environments import quix_version

_LIBRARIES: Final = ("faust-streaming", "aiokafka", "confluent-kafka", "polars", "numba", "numpy", "onnxruntime")
_MIB: Final = 1024 * 1024


def machine(load_before: float) -> dict[str, str]:
    """Describe where this runs, and how busy it was with other things before and is now."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cores": str(os.cpu_count()),
        "processor": _processor(),
        "memory": f"{psutil.virtual_memory().total // _MIB:,} MiB",
        "load average": f"{load_before:.1f} before the run, {os.getloadavg()[0]:.1f} after it",
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _LIBRARIES},
        "quixstreams": quix_version(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
