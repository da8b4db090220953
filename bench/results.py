"""What a run of the benchmark has measured."""

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from bench.measurements.backlog import BacklogRow
from bench.measurements.druid_latency import DruidLatency
from bench.measurements.live import Live
from bench.measurements.memory import Held
from bench.measurements.onnx_speed import OnnxRow
from bench.measurements.recovery import Recovery
from bench.measurements.score_latency import TopicLatency
from bench.workers import OURS

KAFKA: Final = "kafka"


@dataclass
class Results:
    """Results by part; empty where a part was left out.

    Attributes
    ----------
    load_before
        Load average before the run.
    backlog, workers, envelopes
        Backlogs processed: by each kind of worker, by several of ours, and of envelopes.
    lives, scores, alerts, druid
        At a steady pace: lag, and time to scores, alerts and Druid.
    stages_us
        Processor time of each stage, µs an event.
    onnx
        Speed of the model.
    recoveries
        One of two workers killed.
    memory
        Few trips, and very many.
    failures
        Parts that could not be measured, and why.
    """

    load_before: float
    backlog: list[BacklogRow] = field(default_factory=list)
    workers: list[BacklogRow] = field(default_factory=list)
    envelopes: list[BacklogRow] = field(default_factory=list)
    lives: list[Live] = field(default_factory=list)
    scores: list[TopicLatency] = field(default_factory=list)
    alerts: list[TopicLatency] = field(default_factory=list)
    stages_us: dict[str, float] = field(default_factory=dict)
    onnx: list[OnnxRow] = field(default_factory=list)
    druid: DruidLatency | None = None
    recoveries: list[Recovery] = field(default_factory=list)
    memory: list[Held] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def ours(self, vehicles: int, broker: str = KAFKA) -> BacklogRow | None:
        """Return what one worker of ours did of a fleet's single events, where it was measured."""
        rows = (row for row in self.backlog if (row.broker, row.worker, row.load.vehicles) == (broker, OURS, vehicles))
        return next(rows, None)

    def ratio(self, row: BacklogRow) -> float | None:
        """Say how many times as fast as this one our worker is on the same, where that was measured."""
        ours = self.ours(row.load.vehicles, row.broker)
        return None if ours is None else ours.throughput.events_per_s / row.throughput.events_per_s

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain JSON."""
        return asdict(self)
