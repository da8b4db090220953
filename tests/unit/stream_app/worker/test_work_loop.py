"""The main loop of a worker: checkpoints until it is stopped, or until something fails."""

import asyncio
from typing import Any

import pytest

from schemas.settings import WorkerSettings
from stream_app.worker.run import _work_until


class Worker:
    """Application, checkpoint and silence in one; it records what the loop calls, and stops after two checkpoints."""

    def __init__(self, *, failing: str | None = None) -> None:
        self.app = self.checkpoint = self.silence = self
        self.calls: list[str] = []
        self.stop = asyncio.Event()
        self._failing = failing

    async def wait_until_failed(self) -> None:
        if self._failing == "app":
            raise RuntimeError("the agent failed")
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.calls.append("close silent partitions")

    async def write(self) -> None:
        if self._failing == "checkpoint":
            raise RuntimeError("not delivered")
        self.calls.append("checkpoint")
        if self.calls.count("checkpoint") == 2:
            self.stop.set()

    async def work(self, checkpoint_s: float = 0.001) -> None:
        worker: Any = self
        await _work_until(self.stop, worker, WorkerSettings(checkpoint_s=checkpoint_s))


async def test_silent_partitions_are_closed_before_each_checkpoint_until_the_stop() -> None:
    worker = Worker()
    await worker.work()
    assert worker.calls == ["close silent partitions", "checkpoint"] * 2


async def test_a_stop_is_not_kept_waiting_for_the_next_checkpoint() -> None:
    worker = Worker()
    worker.stop.set()
    await asyncio.wait_for(worker.work(checkpoint_s=60), timeout=30)
    assert worker.calls == [], "the caller writes the last one"


@pytest.mark.parametrize(("failing", "message"), [("app", "the agent failed"), ("checkpoint", "not delivered")])
async def test_an_error_of_an_agent_or_a_checkpoint_ends_the_loop(failing: str, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        await asyncio.wait_for(Worker(failing=failing).work(), timeout=30)
    assert asyncio.all_tasks() == {asyncio.current_task()}, "nothing is left running"
