"""The measured processes, each with its own topic."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from bench.peers import kafka_streams
from bench.peers.environments import quix_python
from bench.sending import PARTITIONS
from driver_score.local_stack.programs import REPOSITORY_DIR
from driver_score.local_stack.server_process import free_port

Kind = Literal[
    "driver-score",
    "driver-score, metered",
    "stock-faust",
    "stock-faust, no table",
    "quix-streams",
    "polars-loop",
    "kafka-streams, 1 thread",
    "kafka-streams, 2 threads",
]
OURS: Final[Kind] = "driver-score"

STOP_TIMEOUT_S: Final = 60.0

CHECKPOINT_S: Final = 2.0
"""More often than by default, at some cost: throughput is measured from commit to commit, so several are needed."""


@dataclass(frozen=True)
class Place:
    """Where a worker reads and writes.

    Attributes
    ----------
    bootstrap
        Address of the broker.
    broker_pid
        Its process.
    prefix
        Before the names of topics and groups.
    logs_dir
        Folder of the worker's log.
    """

    bootstrap: str
    broker_pid: int
    prefix: str
    logs_dir: Path

    @property
    def topic(self) -> str:
        """Full name of the topic of events."""
        return self.prefix + "trip-events"

    @property
    def group(self) -> str:
        """Name of the worker's group."""
        return self.prefix + "driver-score"

    @property
    def stages_path(self) -> Path:
        """File that a metered worker writes the cost of its stages to."""
        return self.logs_dir / f"{self.prefix}stages.json"


@contextlib.contextmanager
def running_worker(
    kind: Kind, place: Place, *, checkpoint_s: float = CHECKPOINT_S, number: int = 0, metrics_port: int | None = None
) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a worker as a user would; all kinds take the same settings.

    Parameters
    ----------
    kind, place
        What, and where.
    checkpoint_s
        Between two commits.
    number
        Of this worker among those of its group.
    metrics_port
        Port of its metrics; a free one if null.
    """
    settings = {
        "KAFKA__BOOTSTRAP": place.bootstrap,
        "KAFKA__TOPIC_PREFIX": place.prefix,
        "KAFKA__PARTITIONS": str(PARTITIONS),
        "WORKER__METRICS_PORT": str(metrics_port or free_port()),
        "WORKER__CHECKPOINT_S": str(checkpoint_s),
    }
    environment = os.environ | {f"DRIVER_SCORE_{name}": setting for name, setting in settings.items()}
    command = _command(kind, place, checkpoint_s)
    with (place.logs_dir / f"{place.prefix}worker-{number}.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, cwd=REPOSITORY_DIR, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def running_workers(
    kind: Kind, place: Place, count: int, *, checkpoint_s: float = CHECKPOINT_S
) -> "Iterator[list[subprocess.Popen[bytes]]]":
    """Run workers of one group."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(running_worker(kind, place, checkpoint_s=checkpoint_s, number=number))
            for number in range(count)
        ]


def _command(kind: Kind, place: Place, checkpoint_s: float) -> list[str]:
    match kind:
        case "driver-score":
            return [str(Path(sys.executable).with_name("driver-score")), "worker"]
        case "quix-streams":
            return [str(quix_python()), "-m", "bench.peers.quix_streams"]
        case "kafka-streams, 1 thread" | "kafka-streams, 2 threads":
            return kafka_streams.command(
                place.bootstrap,
                place.prefix,
                group=place.group,
                state_dir=place.logs_dir / f"{place.prefix}streams",
                commit_interval_s=checkpoint_s,
                threads=1 if kind == "kafka-streams, 1 thread" else 2,
            )
        case _:
            modules = {
                "driver-score, metered": ["bench.measurements.stages", str(place.stages_path)],
                "stock-faust": ["bench.peers.stock_faust"],
                "stock-faust, no table": ["bench.peers.stock_faust", "--no-table"],
                "polars-loop": ["bench.peers.polars_loop"],
            }
            return [sys.executable, "-m", *modules[kind]]
