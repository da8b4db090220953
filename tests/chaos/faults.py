"""What goes wrong: a fault a time, drawn by chance, each with what it did in a line."""

import os
import random
import signal
import time
from collections.abc import Callable

from driver_score.local_stack.servers.kafka import NativeKafka
from tests.chaos.workers import WorkerPool

SESSION_TIMEOUT_S = 6.0
"""The least that Kafka allows."""

PAUSE_S = (SESSION_TIMEOUT_S + 1.0, SESSION_TIMEOUT_S + 8.0)
"""Long enough that the others get a paused worker's partitions."""

BROKER_AWAY_S = (0.0, 8.0)


class Faults:
    """Makes faults.

    Parameters
    ----------
    kafka, pool
        What they are done to.
    draw
        Source of chance: the same seed draws the same faults.
    """

    def __init__(self, kafka: NativeKafka, pool: WorkerPool, draw: random.Random) -> None:
        self._kafka = kafka
        self._pool = pool
        self._draw = draw
        self._kinds: dict[str, tuple[int, Callable[[], str | None]]] = {
            "kill a worker": (5, self._kill_a_worker),
            "pause a worker": (4, self._pause_a_worker),
            "stop a worker": (2, self._stop_a_worker),
            "add a worker": (2, self._one_worker_more),
            "remove a worker": (2, self._one_worker_fewer),
            "restart the broker": (2, self._restart_the_broker),
            "kill the broker": (1, self._kill_the_broker),
            "swap the model": (2, self._swap_the_model),
        }

    @property
    def kinds(self) -> list[str]:
        return list(self._kinds)

    def next(self, kind: str | None = None) -> tuple[str, str] | None:
        """Make a fault, of this kind or any; return kind and what was done, or null where it can't be done now."""
        weights = [weight for weight, _ in self._kinds.values()]
        kind = kind or self._draw.choices(self.kinds, weights)[0]
        done = self._kinds[kind][1]()
        return None if done is None else (kind, done)

    def _kill_a_worker(self) -> str | None:
        worker = self._pool.some()
        if worker is None:
            return None
        worker.kill()
        self._pool.remove(worker)
        return worker.log_path.stem

    def _pause_a_worker(self) -> str | None:
        worker = self._pool.some()
        if worker is None:
            return None
        seconds = self._draw.uniform(*PAUSE_S)
        worker.pause(seconds)
        return f"{worker.log_path.stem} for {seconds:.1f} s"

    def _stop_a_worker(self) -> str | None:
        worker = self._pool.some()
        if worker is None:
            return None
        status = worker.stop()
        self._pool.remove(worker)
        return f"{worker.log_path.stem}, status {status}"

    def _one_worker_more(self) -> str | None:
        if self._pool.size == 4:
            return None
        self._pool.size += 1
        return f"{self._pool.size} workers"

    def _one_worker_fewer(self) -> str | None:
        if self._pool.size == 1:
            return None
        self._pool.size -= 1
        done = self._kill_a_worker() or "none to kill"
        return f"{self._pool.size} workers, killed {done}"

    def _restart_the_broker(self) -> str:
        self._kafka.stop()
        return self._start_the_broker()

    def _kill_the_broker(self) -> str:
        if self._kafka.pid is not None:
            os.kill(self._kafka.pid, signal.SIGKILL)
        self._kafka.stop()
        return self._start_the_broker()

    def _start_the_broker(self) -> str:
        away_s = self._draw.uniform(*BROKER_AWAY_S)
        time.sleep(away_s)
        self._kafka.start()
        return f"away for {away_s:.1f} s and its start"

    def _swap_the_model(self) -> str:
        """Take the other model from now on; one worker changes at once, the others when they start again."""
        self._pool.models.reverse()
        worker = next((each for each in self._pool.workers if each.model != self._pool.model and not each.paused), None)
        if worker is not None:
            worker.stop()
            self._pool.remove(worker)
        return f"{self._pool.model.name}"
