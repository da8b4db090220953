"""Cost of an open trip: memory, checkpoints, and the time to restore it."""

import asyncio
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.fleet import Fleet
from bench.measuring import BenchmarkError, CommittedOffsets, peak_mb, wait_until
from bench.sending import ready_content, send
from bench.workers import CHECKPOINT_S, OURS, Place, running_worker
from driver_score.local_stack.server_process import free_port

_KEPT_BACK: Final = 20_000
"""Events sent after the restart, so that the new worker commits."""

_TIMEOUT_S: Final = 600.0
_SETTLED_CHECKPOINTS: Final = 2
"""Memory is read after this many checkpoints without changes, when they have released their memory."""

_CHECKPOINT: Final = "driver_score_worker_checkpoint_seconds"


@dataclass(frozen=True)
class Held:
    """Memory and times of one worker.

    Attributes
    ----------
    trips
        Open at the end.
    rss_mb, peak_mb
        Resident memory after everything was committed, and its maximum, MiB.
    checkpoint_s
        Mean duration of checkpoints.
    restart_s
        From the start of a new process, after the first was killed, to its first commit.
    restart_peak_mb
        Maximum resident memory of the new process, MiB.
    """

    trips: int
    rss_mb: float
    peak_mb: float
    checkpoint_s: float
    restart_s: float
    restart_peak_mb: float


def measure(place: Place, vehicles: int, events: int) -> Held:
    """Run a worker on a full topic, measure it, kill it, and start another."""
    content = ready_content(Fleet(vehicles), events + _KEPT_BACK)
    first = [batch for batch in content.batches if batch.end <= events]
    remaining = content.batches[len(first) :]
    asyncio.run(send(place.bootstrap, place.topic, first, events_per_s=None))
    sent = sum(batch.builder.record_count() for batch in first)
    offsets = CommittedOffsets(place.bootstrap, place.group, place.topic)
    port = free_port()
    with running_worker(OURS, place, metrics_port=port) as worker:
        wait_until(lambda: offsets.records() >= sent, [worker], _TIMEOUT_S)
        checkpoint_s = _metric(port, f"{_CHECKPOINT}_sum") / _metric(port, f"{_CHECKPOINT}_count")
        time.sleep(_SETTLED_CHECKPOINTS * CHECKPOINT_S)
        trips, rss, peak = int(_metric(port, "driver_score_worker_trips")), _rss_mb(worker.pid), peak_mb(worker.pid)
        worker.kill()
        worker.wait()
    asyncio.run(send(place.bootstrap, place.topic, remaining, events_per_s=None))
    started = time.monotonic()
    port = free_port()
    with running_worker(OURS, place, metrics_port=port, number=1) as worker:
        wait_until(lambda: offsets.records() >= content.records, [worker], _TIMEOUT_S)
        restart_s = time.monotonic() - started
        restart_peak_mb = peak_mb(worker.pid)
        if int(_metric(port, "driver_score_worker_trips")) < vehicles:  # beside them, trips that ended a while ago
            raise BenchmarkError("the second worker has not restored all open trips")
    offsets.close()
    return Held(trips, rss, peak, checkpoint_s, restart_s, restart_peak_mb)


def _metric(port: int, name: str) -> float:
    """Return a metric of the worker, summed over its labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines: list[str] = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def _rss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024
