"""What faults are made to, and the steps of an operator that several of them need."""

import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Final

from tests.chaos.brokers import Brokers
from tests.chaos.known_stream import KnownStream
from tests.chaos.sender import Sender
from tests.chaos.source_topic import SourceTopic
from tests.chaos.verdict import unfinished_originals
from tests.chaos.workers import WorkerPool
from tests.support.servers.brokers import wait_until
from tests.support.servers.running_worker import Topics, last_finals

END_S: Final = 600.0
"""How long everything that was sent may take until it is scored."""


@dataclass(frozen=True)
class Scene:
    """All parts of a run.

    Attributes
    ----------
    draw
        Source of chance: the same seed draws the same faults.
    """

    stream: KnownStream
    brokers: Brokers
    topic: SourceTopic
    pool: WorkerPool
    sender: Sender
    draw: random.Random

    @property
    def outputs(self) -> Topics:
        """A reader of all topics, with as many partitions as they have now."""
        return Topics(self.topic.bootstrap, self.topic.prefix, self.topic.partitions)

    def unfinished(self) -> list[tuple[str, str]]:
        """Give the trips that have no final score of all their events, as vehicle and trip of their first copy."""
        scores = [json.loads(message.value() or b"") for message in self.outputs.everything("driver-scores")]
        return unfinished_originals(self.stream, last_finals(scores))

    def settle(self) -> float:
        """Hold the sender, and wait until all workers run and everything is scored and committed; return the time.

        Seconds of the wall clock, before the wait.
        """
        self.sender.hold()
        held_s = time.time()
        self.pool.wait_until_ready()
        self.wait_until_committed()
        self.pool.wait_until_ready()
        return held_s

    def wait_until_committed(self) -> None:
        """Wait until all that was sent is scored and committed, by both agents, while workers are looked after."""

        def is_committed() -> bool:
            self.pool.look_after()
            return self.topic.is_committed()

        wait_until(is_committed, "everything is committed", END_S)

    def stop_workers(self) -> None:
        """Stop all workers, and wait until the group has no member, those that were killed before included."""
        self.pool.stop_all()
        self.wait_until_left()

    def wait_until_left(self) -> None:
        wait_until(lambda: not self.topic.is_read(), "the group has no members")

    def begin_without_states(self) -> None:
        """Start one worker that begins without states, as the documentation says, and stop it once it has."""
        worker = self.pool.start(worker__changed_log="fresh_states")
        wait_until(lambda: not worker.alive or self.topic.has_states(), "new states are begun")
        assert worker.alive, worker.end
        wait_until(lambda: not worker.alive or worker.ready, "the worker has started")
        self.stop_workers()

    def command(self, *arguments: str, **settings: object) -> str:
        """Run ``driver-score`` with the settings of the workers and some of its own; return what it prints.

        Raises
        ------
        AssertionError
            If it fails.
        """
        done = subprocess.run(
            [sys.executable, "-m", "driver_score", *arguments],
            env=self.pool.environment(**settings), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
