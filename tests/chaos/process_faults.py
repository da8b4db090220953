"""Processes that end, stop and start: workers and brokers, and another model."""

import os
import signal
import time
from typing import Final

from driver_score.local_stack.servers.kafka import NativeKafka
from tests.chaos.scene import Scene

SESSION_TIMEOUT_S: Final = 6.0
"""The least that Kafka allows."""

MAX_WORKERS: Final = 4

_PAUSE_S: Final = (SESSION_TIMEOUT_S + 1.0, SESSION_TIMEOUT_S + 8.0)
"""Long enough that the others get a paused worker's partitions."""

_BROKER_AWAY_S: Final = (0.0, 8.0)


def kill_a_worker(scene: Scene) -> str | None:
    """End one with SIGKILL; another one is started."""
    worker = scene.pool.some()
    if worker is None:
        return None
    worker.kill()
    scene.pool.remove(worker)
    return worker.log_path.stem


def pause_a_worker(scene: Scene) -> str | None:
    """Pause one for longer than its session."""
    worker = scene.pool.some()
    if worker is None:
        return None
    seconds = scene.draw.uniform(*_PAUSE_S)
    worker.pause(seconds)
    return f"{worker.log_path.stem} for {seconds:.1f} s"


def stop_a_worker(scene: Scene) -> str | None:
    """Ask one to leave; another one is started."""
    worker = scene.pool.some()
    if worker is None:
        return None
    status = worker.stop()
    scene.pool.remove(worker)
    return f"{worker.log_path.stem}, status {status}"


def add_a_worker(scene: Scene) -> str | None:
    """Run one more from now on."""
    if scene.pool.size == MAX_WORKERS:
        return None
    scene.pool.size += 1
    return f"{scene.pool.size} workers"


def remove_a_worker(scene: Scene) -> str | None:
    """Run one less from now on."""
    if scene.pool.size == 1:
        return None
    scene.pool.size -= 1
    done = kill_a_worker(scene) or "none to kill"
    return f"{scene.pool.size} workers, killed {done}"


def restart_a_broker(scene: Scene) -> str:
    """Ask one to stop, and start it some seconds later."""
    broker = scene.draw.choice(scene.brokers)
    broker.stop()
    return _start(scene, broker)


def kill_a_broker(scene: Scene) -> str:
    """End one with SIGKILL, and start it some seconds later."""
    broker = scene.draw.choice(scene.brokers)
    if broker.pid is not None:
        os.kill(broker.pid, signal.SIGKILL)
    broker.stop()
    return _start(scene, broker)


def _start(scene: Scene, broker: NativeKafka) -> str:
    away_s = scene.draw.uniform(*_BROKER_AWAY_S)
    time.sleep(away_s)
    broker.start()
    return f"{broker.bootstrap} away for {away_s:.1f} s and its start"


def swap_the_model(scene: Scene) -> str:
    """Take the other model from now on; one worker changes at once, the others when they start again."""
    pool = scene.pool
    pool.models.reverse()
    worker = next((each for each in pool.workers if each.model != pool.model and not each.paused), None)
    if worker is not None:
        worker.stop()
        pool.remove(worker)
    return pool.model.name
