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

from scoring.model import DEFAULT_MODEL
from tests.chaos.brokers import Brokers
from tests.chaos.faults import FAULTS, draw_kind, draw_kinds
from tests.chaos.known_stream import KnownStream, known_stream
from tests.chaos.process_faults import SESSION_TIMEOUT_S
from tests.chaos.scene import END_S, Scene
from tests.chaos.sender import Sender
from tests.chaos.source_topic import SourceTopic
from tests.chaos.verdict import Verdict, judge, unfinished_trips
from tests.chaos.workers import WorkerPool
from tests.support.servers.brokers import wait_until
from tests.support.servers.running_worker import last_finals

PARTITIONS: Final = 4
WORKERS: Final = 3

SILENT_S: Final = 5.0
"""What comes late at the very end is counted once its partition is silent. Workers wait so long only then: while the
sender holds for a fault, no partition is to be taken for a silent one."""

STOP_TIMEOUT_S: Final = 10.0
"""What is not committed by then is read again; a fault is not to wait for longer."""

_BETWEEN_FAULTS_S: Final = (0.5, 8.0)
"""Some come while the group still recovers from the one before."""

_EXPECTED_FAULT_S: Final = 9.0
_SILENCE_S: Final = 120.0
_LOOK_S: Final = 0.1

_PREFIX: Final = "chaos-"


@dataclass
class ChaosRun:
    """What was done, and what came of it.

    Attributes
    ----------
    brokers
        How many.
    faults
        Time in seconds, kind and what was done, of each.
    expected_stops
        Workers that have stopped because the log had changed, by what they said.
    deaths
        What other workers said that have ended by themselves.
    starts
        Of workers.
    """

    seed: int
    brokers: int
    stream: KnownStream
    faults: list[tuple[float, str, str]]
    expected_stops: Counter[str]
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
    brokers: int = 1,
    kinds: list[str] | None = None,
    say: Callable[[str], None] = print,
) -> ChaosRun:
    """Score a known stream while things go wrong, and judge what was published.

    Parameters
    ----------
    folder
        For the brokers' data and all logs.
    seed
        Of the stream, the kinds of faults and their times; how they meet the work is up to the machine.
    events, faults
        How many.
    brokers
        One, or three.
    kinds
        The kinds of the faults in their order; drawn by chance where there are none.
    say
        Called with each fault.
    """
    draw = random.Random(seed)
    in_turn = kinds or draw_kinds(draw, faults)
    stream = known_stream(events, seed)
    say(f"{stream.messages:,} messages, {stream.trips:,} trips, {len(stream.garbage):,} of garbage")
    models = [DEFAULT_MODEL, other_model(folder / "other-model")]
    running = Brokers(folder / "kafka", brokers)
    running.start()
    topic = SourceTopic(running.bootstrap, _PREFIX, PARTITIONS, brokers)
    topic.create()
    pool = WorkerPool(
        running.bootstrap,
        _PREFIX,
        folder,
        list(models),
        WORKERS,
        draw,
        kafka__partitions=PARTITIONS,
        kafka__replication=brokers,
        worker__session_timeout_s=SESSION_TIMEOUT_S,
        worker__checkpoint_s=1,
        worker__stop_timeout_s=STOP_TIMEOUT_S,
        profiles__min_distance_km=0,
    )
    pace = stream.messages / (faults * _EXPECTED_FAULT_S)
    sender = Sender(stream, bootstrap=running.bootstrap, topic=topic.name, messages_per_s=pace)
    scene = Scene(stream, running, topic, pool, sender, draw)
    started = time.monotonic()
    try:
        pool.look_after()
        wait_until(lambda: pool.some() is not None, "a worker that is ready")
        sender.start()
        done = _make_faults(scene, in_turn, say, redraws=kinds is None)
        sender.release(1.0)
        _wait_for_the_end(scene, say)
        _close_late_trips(scene)
        seconds = time.monotonic() - started
        verdict = judge(stream, scene.outputs, models, topic.created_at_s)
        verdict.check("messages that could not be sent", sender.failures)
        verdict.check("workers that ended without saying why", pool.unexplained)
        return ChaosRun(seed, brokers, stream, done, pool.expected_stops, pool.deaths, pool.starts, seconds, verdict)
    finally:
        sender.stop()
        pool.kill_all()
        running.stop()


def _make_faults(
    scene: Scene, kinds: list[str], say: Callable[[str], None], *, redraws: bool
) -> list[tuple[float, str, str]]:
    """Make a fault of each kind in turn; where it can't be made now, of another one drawn by chance, or wait."""
    started = time.monotonic()
    done: list[tuple[float, str, str]] = []
    for kind in kinds:
        scene.sender.release((len(done) + 1) / (len(kinds) + 1))
        next_s = time.monotonic() + scene.draw.uniform(*_BETWEEN_FAULTS_S)
        while time.monotonic() < next_s:
            scene.pool.look_after()
            time.sleep(_LOOK_S)
        drawn, what = kind, FAULTS[kind].make(scene)
        while what is None:
            scene.pool.look_after()
            time.sleep(_LOOK_S)
            drawn = draw_kind(scene.draw) if redraws else kind
            what = FAULTS[drawn].make(scene)
        done.append((time.monotonic() - started, drawn, what))
        say(f"{done[-1][0]:6.1f} s  {scene.sender.sent:>9,} sent  {drawn}: {what}")
    return done


def _wait_for_the_end(scene: Scene, say: Callable[[str], None]) -> None:
    """Wait until everything is sent, and committed by both agents."""

    def all_sent() -> bool:
        scene.pool.look_after()
        return not scene.sender.is_alive()

    wait_until(all_sent, "the whole stream is sent", END_S)
    say("all sent")
    scene.wait_until_committed()
    say("all committed")


def _close_late_trips(scene: Scene) -> None:
    """Have the last trips closed, by workers that soon take a partition for silent; the verdict names what is missing.

    Events that are late at the very end wait for a later event, or for silence.
    """
    if not scene.unfinished():
        return
    scene.pool.wait_until_ready()
    scene.stop_workers()
    scene.pool.settings["worker__silent_partition_s"] = SILENT_S
    topics = scene.outputs
    ends_s = time.monotonic() + _SILENCE_S
    looked_at = -1
    while time.monotonic() < ends_s:
        scene.pool.look_after()
        before, looked_at = looked_at, len(topics.rows("driver-scores"))
        if looked_at > before and not unfinished_trips(scene.stream, last_finals(topics.rows("driver-scores"))):
            break
        time.sleep(_LOOK_S)
    scene.wait_until_committed()
    topics.close()


def other_model(folder: Path) -> Path:
    """Make a model that differs from the default one in its version and its scale of scores."""
    shutil.copytree(DEFAULT_MODEL, folder)
    path = folder / "model.json"
    metadata = json.loads(path.read_text())
    metadata["version"] = "v99"
    metadata["scaling"]["offset"] -= 5
    path.write_text(json.dumps(metadata))
    return folder
