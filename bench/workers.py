"""The processes that are measured, on a topic of their own each."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Kind = Literal["driver-score", "stock-faust", "stock-faust, no table"]

STOP_TIMEOUT_S: Final = 60.0

CHECKPOINT_S: Final = 2.0
"""More often than by default, and dearer: throughput is measured from commit to commit, so there must be some."""


@dataclass(frozen=True)
class Place:
    """Where a worker reads and writes.

    Attributes
    ----------
    bootstrap
        Address of the broker.
    prefix
        Before the names of topics and groups.
    metrics_port
        Where our worker shows its metrics.
    log_path
        Where the worker's output goes.
    """

    bootstrap: str
    prefix: str
    metrics_port: int
    log_path: Path

    @property
    def topic(self) -> str:
        """Full name of the topic of events."""
        return self.prefix + "trip-events"

    @property
    def group(self) -> str:
        """Name of the worker's group."""
        return self.prefix + "driver-score"


@contextlib.contextmanager
def running_worker(
    kind: Kind, place: Place, partitions: int, *, checkpoint_s: float = CHECKPOINT_S
) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a worker as a user would; both take the same settings."""
    settings = {
        "KAFKA__BOOTSTRAP": place.bootstrap,
        "KAFKA__TOPIC_PREFIX": place.prefix,
        "KAFKA__PARTITIONS": str(partitions),
        "WORKER__METRICS_PORT": str(place.metrics_port),
        "WORKER__CHECKPOINT_S": str(checkpoint_s),
    }
    environment = os.environ | {f"DRIVER_SCORE_{name}": setting for name, setting in settings.items()}
    commands = {
        "driver-score": [str(Path(sys.executable).with_name("driver-score")), "worker"],
        "stock-faust": [sys.executable, "-m", "bench.stock_faust"],
        "stock-faust, no table": [sys.executable, "-m", "bench.stock_faust", "--no-table"],
    }
    with place.log_path.open("wb") as log:
        process = subprocess.Popen(commands[kind], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
