"""The reasons that the health endpoints give: stable codes, and what each of them means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple


class HealthCode(StrEnum):
    """Codes of reasons; scripts and alerts may rely on them."""

    STARTING = "starting"
    STOPPING = "stopping"
    NO_BROKER = "no_broker"
    WAITING_FOR_PARTITIONS = "waiting_for_partitions"
    RESTORING = "restoring"
    NOT_READING = "not_reading"
    STALLED = "stalled"
    EVENT_LOOP_STUCK = "event_loop_stuck"
    NO_PARTITION = "no_partition"
    CLOSING_SILENT_PARTITION = "closing_silent_partition"
    REPLAYING = "replaying"
    RECORDS_LOST = "records_lost"
    SOURCE_CHANGED = "source_changed"


class Effect(StrEnum):
    """What a reason does to the endpoints."""

    NOTE = "note"
    """Nothing: both answer 200, and ``/health/ready`` tells it."""

    NOT_READY = "not ready"
    """``/health/ready`` answers 503."""

    NOT_LIVE = "not live"
    """Both answer 503: the worker does not recover by itself."""


class CodeMeaning(NamedTuple):
    """What a code does, and says."""

    effect: Effect
    text: str
    fields: tuple[str, ...] = ()
    """Further fields of its reasons: numbers, but for ``topic``."""


MEANINGS: Final[Mapping[HealthCode, CodeMeaning]] = {
    HealthCode.STARTING: CodeMeaning(
        Effect.NOT_READY, "the worker connects and has not joined its consumer group yet", ("seconds",)
    ),
    HealthCode.STOPPING: CodeMeaning(Effect.NOT_READY, "the worker writes its last checkpoint and ends"),
    HealthCode.NO_BROKER: CodeMeaning(Effect.NOT_READY, "no Kafka broker answers", ("seconds",)),
    HealthCode.WAITING_FOR_PARTITIONS: CodeMeaning(
        Effect.NOT_READY, "a rebalance of the consumer group is not complete", ("seconds",)
    ),
    HealthCode.RESTORING: CodeMeaning(
        Effect.NOT_READY,
        "states of assigned partitions are read from the changelog",
        ("seconds", "records_left", "records_per_s"),
    ),
    HealthCode.NOT_READING: CodeMeaning(
        Effect.NOT_READY,
        "the broker has records of a partition, and the worker has read none of them for a minute",
        ("topic", "partition", "records", "seconds"),
    ),
    HealthCode.STALLED: CodeMeaning(
        Effect.NOT_LIVE,
        "a partition has unprocessed records, and none was committed for `DRIVER_SCORE_WORKER__STALLED_AFTER_S`",
        ("topic", "partition", "records", "seconds"),
    ),
    HealthCode.EVENT_LOOP_STUCK: CodeMeaning(
        Effect.NOT_LIVE,
        "the event loop has sent no heartbeat for `DRIVER_SCORE_WORKER__STALLED_AFTER_S`",
        ("seconds",),
    ),
    HealthCode.NO_PARTITION: CodeMeaning(
        Effect.NOTE, "no partition is assigned, as there are more workers than partitions: a spare worker"
    ),
    HealthCode.CLOSING_SILENT_PARTITION: CodeMeaning(
        Effect.NOTE, "open trips of a partition without new records are being closed", ("partition", "trips_left")
    ),
    HealthCode.REPLAYING: CodeMeaning(
        Effect.NOTE, "events that states include already are read again and skipped, as after a crash", ("events",)
    ),
    HealthCode.RECORDS_LOST: CodeMeaning(
        Effect.NOTE, "Kafka deleted records before they were read, in the last minutes", ("records",)
    ),
    HealthCode.SOURCE_CHANGED: CodeMeaning(
        Effect.NOT_READY,
        "a topic that the worker reads was deleted, or is not the one that its states are of",
        ("topic",),
    ),
}


@dataclass(frozen=True)
class Reason:
    """Why a worker is not well, or what it is doing besides its usual work.

    Attributes
    ----------
    code
        Its kind.
    message
        For people.
    topic, partition
        Where; null if it is about the whole worker.
    numbers
        Further fields by name, as `MEANINGS` lists them.
    """

    code: HealthCode
    message: str
    topic: str | None = None
    partition: int | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def effect(self) -> Effect:
        """What it does to the endpoints."""
        return MEANINGS[self.code].effect

    def as_json(self) -> dict[str, object]:
        """Give its fields; those without a value are left out."""
        place = {"topic": self.topic, "partition": self.partition}
        return {
            "code": self.code.value,
            "message": self.message,
            "effect": self.effect.value,
            **{name: given for name, given in place.items() if given is not None},
            **self.numbers,
        }


@dataclass(frozen=True)
class HealthReport:
    """What a health endpoint answers."""

    ok: bool
    reasons: Sequence[Reason] = ()

    def as_json(self) -> dict[str, object]:
        """Give the body of the answer."""
        return {"ok": self.ok, "reasons": [reason.as_json() for reason in self.reasons]}


HEALTHY: Final = HealthReport(ok=True)
