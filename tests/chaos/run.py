"""A run: fault after fault while the stream is sent, until all events are sent and processed."""

import json
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from driver_score.local_stack.servers.kafka import NativeKafka
from scoring.model import DEFAULT_MODEL
from tests.chaos.faults import SESSION_TIMEOUT_S, Faults
from tests.chaos.known_stream import KnownStream, Sender, known_stream
from tests.chaos.verdict import Verdict, judge, unfinished_trips
from tests.chaos.workers import WorkerPool
from tests.support.servers.brokers import create_topics, wait_until
from tests.support.servers.running_worker import Topics, last_finals

PARTITIONS: Final = 4
WORKERS: Final = 3

SILENT_S: Final = 20.0
"""What comes late at the very end is counted once its partition is silent; outages in between are no silence."""

STOP_TIMEOUT_S: Final = 10.0
"""What is not committed by then is read again; a fault is not to wait for longer."""

_BETWEEN_FAULTS_S: Final = (0.5, 8.0)
"""Some come while the group still recovers from the one before."""

_EXPECTED_FAULT_S: Final = 9.0
_END_S: Final = 600.0
_LOOK_S: Final = 0.1

_PREFIX: Final = "chaos-"


@dataclass
class ChaosRun:
    """What was done, and what came of it."""

    seed: int
    stream: KnownStream
    faults: list[tuple[float, str, str]]
    deaths: list[str]
    starts: int
    seconds: float
    verdict: Verdict

    @property
    def faults_by_kind(self) -> Counter[str]:
        return Counter(kind for _, kind, _ in self.faults)


def run_chaos(
    folder: Path,
    *,
    seed: int,
    events: int,
    faults: int,
    kinds: list[str] | None = None,
    say: Callable[[str], None] = print,
) -> ChaosRun:
    """Score a known stream while things go wrong, and judge what was published.

    Parameters
    ----------
    folder
        For the broker's data and all logs.
    seed
        Of the stream, the kinds of faults and their times; how they meet the work is up to the machine.
    events, faults
        How many.
    kinds
        The kinds of the faults in their order; drawn by chance where there are none.
    say
        Called with each fault.
    """
    draw = random.Random(seed)
    stream = known_stream(events, seed)
    say(f"{stream.messages:,} messages, {stream.trips:,} trips, {len(stream.garbage):,} of garbage")
    models = [DEFAULT_MODEL, other_model(folder / "other-model")]
    kafka = NativeKafka(folder / "kafka")
    kafka.start()
    pool = WorkerPool(
        kafka.bootstrap,
        _PREFIX,
        folder,
        list(models),
        WORKERS,
        draw,
        kafka__partitions=PARTITIONS,
        worker__session_timeout_s=SESSION_TIMEOUT_S,
        worker__checkpoint_s=1,
        worker__stop_timeout_s=STOP_TIMEOUT_S,
        worker__silent_partition_s=SILENT_S,
        profiles__min_distance_km=0,
    )
    create_topics(kafka.bootstrap, _PREFIX, PARTITIONS)
    topics = Topics(kafka.bootstrap, _PREFIX, PARTITIONS)
    pace = stream.messages / (faults * _EXPECTED_FAULT_S)
    sender = Sender(stream, bootstrap=kafka.bootstrap, topic=f"{_PREFIX}trip-events", messages_per_s=pace)
    started = time.monotonic()
    try:
        pool.look_after()
        wait_until(lambda: pool.some() is not None, "a worker that is ready")
        sender.start()
        done = _make_faults(Faults(kafka, pool, draw), pool, sender, draw, faults, kinds, say)
        sender.release(1.0)
        _wait_for_the_end(pool, sender, topics, say)
        _wait_for_silence(pool, stream, topics)
        seconds = time.monotonic() - started
        verdict = judge(stream, topics, models)
        verdict.check("messages that could not be sent", sender.failures)
        return ChaosRun(seed, stream, done, pool.deaths, pool.starts, seconds, verdict)
    finally:
        sender.stop()
        pool.kill_all()
        topics.close()
        kafka.stop()


def _make_faults(
    faults: Faults,
    pool: WorkerPool,
    sender: Sender,
    draw: random.Random,
    count: int,
    kinds: list[str] | None,
    say: Callable[[str], None],
) -> list[tuple[float, str, str]]:
    started = time.monotonic()
    done: list[tuple[float, str, str]] = []
    while len(done) < count:
        sender.release((len(done) + 1) / (count + 1))
        next_s = time.monotonic() + draw.uniform(*_BETWEEN_FAULTS_S)
        while time.monotonic() < next_s:
            pool.look_after()
            time.sleep(_LOOK_S)
        fault = faults.next(kinds[len(done)] if kinds else None)
        if fault is not None:
            done.append((time.monotonic() - started, *fault))
            say(f"{done[-1][0]:6.1f} s  {sender.sent:>9,} sent  {fault[0]}: {fault[1]}")
    return done


def _wait_for_the_end(pool: WorkerPool, sender: Sender, topics: Topics, say: Callable[[str], None]) -> None:
    """Wait until everything is sent and committed, by all three agents, and stays so."""

    def all_sent() -> bool:
        pool.look_after()
        return not sender.is_alive()

    wait_until(all_sent, "the whole stream is sent", _END_S)
    say("all sent")

    def all_committed() -> bool:
        pool.look_after()
        return not any(topics.uncommitted(topic) for topic in ("trip-events", "driver-scores-by-driver"))

    wait_until(all_committed, "everything is committed", _END_S)
    say("all committed")


def _wait_for_silence(pool: WorkerPool, stream: KnownStream, topics: Topics) -> None:
    """Wait until what silence emits has been published; the verdict names what is missing then."""
    ends_s = time.monotonic() + 6 * SILENT_S
    looked_at = -1
    while time.monotonic() < ends_s:
        pool.look_after()
        before, looked_at = looked_at, len(topics.rows("driver-scores"))
        if looked_at > before and not unfinished_trips(stream, last_finals(topics.rows("driver-scores"))):
            break
        time.sleep(_LOOK_S)


def other_model(folder: Path) -> Path:
    """Make a model that differs from the default one in its version and its scale of scores."""
    shutil.copytree(DEFAULT_MODEL, folder)
    path = folder / "model.json"
    metadata = json.loads(path.read_text())
    metadata["version"] = "v2"
    metadata["scaling"]["offset"] -= 5
    path.write_text(json.dumps(metadata))
    return folder
