"""What an open trip costs a worker: ``python -m bench.memory``.

Two workers do the same number of events on a real Kafka, the first from a thousand vehicles, the second from a
million, each with a trip open: the difference between their memories is that of the trips. Then both are killed and
started again: the difference between the times until they commit is what restoring the trips takes.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.fleet import Fleet
from bench.measuring import BenchmarkError, CommittedOffsets, drain, peak_mb, wait_until
from bench.sending import PARTITIONS, ReadyBatch, ready_batches, send
from bench.workers import CHECKPOINT_S, Place, running_worker
from stream_app.stack.kafka import NativeKafka
from stream_app.stack.server_process import free_port
from stream_app.topics import create_topics

_FEW: Final = 1000
_KEPT_BACK: Final = 20_000
"""Events that are sent only after the restart, so that there is something to commit."""

_WARM_UP_SHARE: Final = 5
_TIMEOUT_S: Final = 600.0
_KAFKA_HEAP_MB: Final = 1024
_LOOK_S: Final = 0.2
_SETTLED_CHECKPOINTS: Final = 2
"""Memory is read after so many without a change, when what they had taken is given back."""

_CHECKPOINT: Final = "driver_score_worker_checkpoint_seconds"


@dataclass(frozen=True)
class Held:
    """What one worker held and took.

    Attributes
    ----------
    trips
        Open at the end.
    events_per_s
        Committed a second.
    rss_mb, peak_mb
        Resident memory when all was committed, and the most that there was, MiB.
    checkpoint_s
        The mean of the checkpoints while it worked.
    restart_s
        From the start of a new process, after the first was killed, to its first commit.
    restart_peak_mb
        The most memory that the new process had, MiB.
    """

    trips: int
    events_per_s: float
    rss_mb: float
    peak_mb: float
    checkpoint_s: float
    restart_s: float
    restart_peak_mb: float


def measure(place: Place, broker_pid: int | None, vehicles: int, events: int) -> Held:
    """Run a worker on a full topic, look at it, kill it, and start another."""
    if broker_pid is None:
        raise BenchmarkError("the broker does not run")
    batches = ready_batches(Fleet(vehicles), events + _KEPT_BACK)
    first = [batch for batch in batches if batch.end <= events]
    rest = [batch for batch in batches if batch.end > events]
    asyncio.run(send(place.bootstrap, place.topic, first, events_per_s=None))
    sent = _count(first)
    offsets = CommittedOffsets(place.bootstrap, place.group, place.topic)
    with running_worker("driver-score", place, PARTITIONS) as worker:
        done = drain(worker, broker_pid, offsets, warm_up=sent // _WARM_UP_SHARE, events=sent, timeout_s=_TIMEOUT_S)
        checkpoint_s = _metric(place, f"{_CHECKPOINT}_sum") / _metric(place, f"{_CHECKPOINT}_count")
        time.sleep(_SETTLED_CHECKPOINTS * CHECKPOINT_S)
        trips, rss = int(_metric(place, "driver_score_worker_trips")), _rss_mb(worker.pid)
        worker.kill()
        worker.wait()
    asyncio.run(send(place.bootstrap, place.topic, rest, events_per_s=None))
    started = time.monotonic()
    with running_worker("driver-score", place, PARTITIONS) as worker:
        wait_until(lambda: offsets.events() >= sent + _count(rest), worker, _TIMEOUT_S)
        restart_s = time.monotonic() - started
        restart_peak_mb = peak_mb(worker.pid)
        if int(_metric(place, "driver_score_worker_trips")) < trips:
            raise BenchmarkError("the second worker has fewer trips than the first")
    offsets.close()
    return Held(trips, done.events_per_s, rss, done.peak_mb, checkpoint_s, restart_s, restart_peak_mb)


def _count(batches: Sequence[ReadyBatch]) -> int:
    return sum(batch.builder.record_count() for batch in batches)


def _metric(place: Place, name: str) -> float:
    """Give a metric of the worker, summed over its labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{place.metrics_port}/metrics", timeout=10) as answer:
        lines: list[str] = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def _rss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def table(rows: Sequence[Held]) -> Iterator[str]:
    """Make Markdown of what was measured, and of the difference between first and last."""
    yield "| open trips | events/s | resident MiB | peak MiB | checkpoint s | restart s | peak MiB after restart |"
    yield "|--:|--:|--:|--:|--:|--:|--:|"
    for row in rows:
        yield (
            f"| {row.trips:,} | {row.events_per_s:,.0f} | {row.rss_mb:,.0f} | {row.peak_mb:,.0f} "
            f"| {row.checkpoint_s:.2f} | {row.restart_s:.1f} | {row.restart_peak_mb:,.0f} |"
        )
    few, many = rows[0], rows[-1]
    trips = many.trips - few.trips
    yield ""
    yield f"An open trip takes {(many.rss_mb - few.rss_mb) * 2**20 / trips:,.0f} bytes of resident memory, and at the"
    yield f"peak {(many.peak_mb - few.peak_mb) * 2**20 / trips:,.0f}, all copies on their way to Kafka included;"
    yield f"restoring {trips:,} trips takes {many.restart_s - few.restart_s:.1f} s."


def main() -> None:
    """Measure both workers and print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--vehicles", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=2_500_000)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        NativeKafka(Path(folder, "kafka"), heap_mb=_KAFKA_HEAP_MB) as kafka,
    ):
        rows = []
        for vehicles in (_FEW, arguments.vehicles):
            place = Place(kafka.bootstrap, f"memory-{vehicles}-", free_port(), Path(folder, f"worker-{vehicles}.log"))
            create_topics(place.bootstrap, place.prefix, PARTITIONS)
            try:
                rows.append(measure(place, kafka.pid, vehicles, arguments.events))
            except (BenchmarkError, subprocess.SubprocessError):
                sys.stderr.write(place.log_path.read_text())
                raise
        sys.stdout.write("\n".join(table(rows)) + "\n")


if __name__ == "__main__":
    main()
