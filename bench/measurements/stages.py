"""What each stage of the worker costs: the worker as it is, with a meter around each call.

``python -m bench.measurements.stages PATH`` is that worker. Stages are metered by the processor time of the thread that
runs them; fetching, and librdkafka's sending, have threads of their own; what is left of the process is Faust, the
agents and Python's event loop.
"""

import functools
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import psutil

from bench.measuring import WARM_UP_SHARE, BenchmarkError
from schemas.settings import load_settings
from scoring import engine
from scoring.driver_scores import ScoreMaker
from scoring.features.update import update
from stream_app.ingest.decoding import Decoder
from stream_app.output.changelog import ChangelogWriter
from stream_app.output.outputs import Outputs
from stream_app.state import partition_states
from stream_app.state.checkpoint import Checkpoint
from stream_app.state.partition_states import StoredStates
from stream_app.state.stored_table import StoredTable
from stream_app.telemetry.logs import configure_logs
from stream_app.worker.run import run_worker

FETCH: Final = "fetch: aiokafka, checksums"
DECODE: Final = "decode: find records, decode and validate JSON"
FEATURES: Final = "features: trip states"
SCORE: Final = "score: ONNX, reasons, ids"
PUBLISH: Final = "publish: JSON, enqueue in librdkafka"
SEND: Final = "send: librdkafka's threads"
CHECKPOINT: Final = "checkpoint: pack and store states"
OTHER: Final = "other: Faust, agents, event loop"
STAGES: Final = (FETCH, DECODE, FEATURES, SCORE, PUBLISH, SEND, CHECKPOINT, OTHER)

_METERED: Final[tuple[tuple[type | ModuleType, str, str], ...]] = (
    (Decoder, "decode", DECODE),
    (engine, "update", FEATURES),
    (ScoreMaker, "make", SCORE),
    (Outputs, "publish_scores", PUBLISH),
    (Outputs, "publish_rejects", PUBLISH),
    (Outputs, "confirm", CHECKPOINT),
    (ChangelogWriter, "confirm", CHECKPOINT),
    (StoredStates, "copy_changed", CHECKPOINT),
    (partition_states, "pack_chunk", CHECKPOINT),
    (StoredTable, "send", CHECKPOINT),
)

_EVENTS: Final = "events"


def stage_costs_us(path: Path) -> dict[str, float]:
    """Read what a metered worker wrote: processor time of each stage of `STAGES`, µs an event, the warm-up left out.

    Raises
    ------
    BenchmarkError
        When it wrote too few checkpoints.
    """
    snapshots: list[dict[str, float]] = json.loads(path.read_text())
    warm = [snapshot for snapshot in snapshots if snapshot[_EVENTS] >= snapshots[-1][_EVENTS] * WARM_UP_SHARE]
    events = warm[-1][_EVENTS] - warm[0][_EVENTS] if warm else 0
    if not events:
        raise BenchmarkError("the worker wrote too few checkpoints; take more events (--scale)")
    return {stage: (warm[-1][stage] - warm[0][stage]) / events * 1e6 for stage in STAGES}


class _Meter:
    """Sums of the processor time of stages, and their state at each checkpoint."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)
        self.snapshots: list[dict[str, float]] = []

    def around(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def metered(*args: Any, **kwargs: Any) -> Any:
            started = time.thread_time()
            try:
                return call(*args, **kwargs)
            finally:
                self._seconds[stage] += time.thread_time() - started

        return metered

    def counting(self, update: Callable[..., Any]) -> Callable[..., Any]:
        def counted(states: Any, events: Any, parameters: Any) -> Any:
            self._seconds[_EVENTS] += len(events)
            return update(states, events, parameters)

        return counted

    def install(self) -> None:
        """Put meters around the stages of the worker of this process."""
        setattr(engine, update.__name__, self.counting(update))
        for owner, name, stage in _METERED:
            setattr(owner, name, self.around(stage, getattr(owner, name)))
        write = Checkpoint.write

        async def write_and_snapshot(checkpoint: Checkpoint) -> None:
            await write(checkpoint)
            self.snapshots.append(self._snapshot())

        setattr(Checkpoint, Checkpoint.write.__name__, write_and_snapshot)

    def _snapshot(self) -> dict[str, float]:
        names = {thread.native_id: thread.name for thread in threading.enumerate()}
        own = {_EVENTS: self._seconds[_EVENTS], **{stage: self._seconds[stage] for stage in STAGES}}
        python_s = 0.0
        for thread in psutil.Process().threads():
            used_s = thread.user_time + thread.system_time
            name = names.get(thread.id)
            if name is None:
                own[SEND] += used_s
            elif name == threading.main_thread().name or name.startswith("asyncio"):
                python_s += used_s
            else:
                own[FETCH] += used_s
        metered = sum(own[stage] for stage in (DECODE, FEATURES, SCORE, PUBLISH, CHECKPOINT))
        return own | {OTHER: python_s - metered}


def main() -> None:
    """Run the metered worker until SIGTERM, then write what was measured."""
    configure_logs()
    meter = _Meter()
    meter.install()
    run_worker(load_settings())
    Path(sys.argv[1]).write_text(json.dumps(meter.snapshots))


if __name__ == "__main__":
    main()
