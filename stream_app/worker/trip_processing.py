"""Decoded batches into published scores: what the agent of trip events does with them, on a thread of its own."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

import structlog

from scoring.driver_scores import DriverScores
from scoring.engine import ScoringEngine
from scoring.events import EventColumns
from scoring.features import LateTrip, TripStates
from stream_app.faust_bridge.record_batch import RecordBatch
from stream_app.ingest.decoding import DecodedBatch
from stream_app.output.outputs import Outputs
from stream_app.state.checkpoint import CONFIRM_TIMEOUT_S
from stream_app.state.inventory import Scope
from stream_app.state.owned_partitions import OwnedPartitions
from stream_app.state.partition_states import PartitionStates
from stream_app.telemetry import metrics
from stream_app.telemetry.data_metrics import count_sensors
from stream_app.telemetry.field_fault_log import FieldFaultLog
from stream_app.wall_clock import now_ms

log = structlog.get_logger(__name__)

_CORRECTED_TOGETHER: Final = 250
"""Trips that are scored again together: an hour of events of each takes 200 MiB."""

_CLOSED_TOGETHER: Final = 500
"""Trips of a silent partition, and messages that wait to be sent meanwhile: all at once took 27 KB each."""


class TripProcessing:
    """Updates trip states and publishes scores.

    Parameters
    ----------
    partitions
        The trip states.
    engine, outputs
        The steps of the work.
    """

    def __init__(self, partitions: OwnedPartitions, engine: ScoringEngine, outputs: Outputs) -> None:
        self._partitions = partitions
        self._engine = engine
        self._outputs = outputs
        self._field_faults = FieldFaultLog()

    def process(self, batches: Sequence[tuple[RecordBatch, DecodedBatch]]) -> None:
        """Take batches into the states of their partitions, and publish scores and rejects.

        Raises
        ------
        StateError
            When the stored states of a partition can't be restored.
        DeliveryError
            When the producer refuses a message at once.
        """
        for batch, decoded in batches:
            self._outputs.publish_rejects(decoded.rejects, batch.topic, batch.partition)
        owned = {batch.partition: self._restore(batch.partition) for batch, _ in batches}
        before, evicted_before = _counts(owned.values()), _evictions(owned.values())
        faults_before = _device_faults(owned.values())
        fresh: dict[Scope, list[tuple[TripStates, EventColumns]]] = {}
        for batch, decoded in batches:
            states = owned[batch.partition]
            events = states.leave_out_included(decoded.events)
            states.include(batch.last_offset)
            fresh.setdefault(states.scope, []).append((states.states, events))
            metrics.RECORDS.inc(decoded.record_count)
            metrics.EVENTS.inc(len(events))
            count_sensors(events)
            for (field, fault), count in decoded.faults.items():
                metrics.FIELD_FAULTS.labels(field, fault).inc(count)
            self._field_faults.add(decoded.faults)
        for scope, part in fresh.items():
            self._publish(self._engine.process(part, scored_at_ms=now_ms()), scope)
        duplicates, late = (now - then for now, then in zip(_counts(owned.values()), before, strict=True))
        metrics.DUPLICATES.inc(duplicates)
        metrics.LATE.inc(late)
        _count_device_faults(owned.values(), faults_before)
        for cause, count in (_evictions(owned.values()) - evicted_before).items():
            metrics.EVICTED_TRIPS.labels(cause).inc(count)
        for partition, states in owned.items():
            metrics.OPEN_TRIPS.labels(str(partition)).set(len(states.states))
            metrics.WAITING_LATE_TRIPS.labels(str(partition)).set(len(states.states.late_trips))

    def late_trips(self, partition: int) -> list[LateTrip]:
        """Give trips that are to be scored again, as events came late: the oldest of those that wait."""
        owned = self._partitions.find(partition)
        return [] if owned is None else list(islice(owned.states.late_trips.values(), _CORRECTED_TOGETHER))

    def waiting_late_trips(self) -> dict[int, int]:
        """Give how many trips of each partition are to be scored again."""
        found = {partition: self._partitions.find(partition) for partition in self._partitions}
        return {partition: len(owned.states.late_trips) for partition, owned in found.items() if owned is not None}

    def publish_corrected(self, partition: int, found: Sequence[tuple[LateTrip, EventColumns | None]]) -> None:
        """Publish final scores of trips with all of their events; those whose events have expired keep their scores.

        Raises
        ------
        DeliveryError
            When the producer refuses a message at once.
        """
        owned = self._partitions.find(partition)
        if owned is None:
            return
        waiting = owned.states.late_trips
        wanted = [(trip, events) for trip, events in found if waiting.get(trip.key) == trip]
        for trip, _ in wanted:
            del waiting[trip.key]
        complete = [(trip, events) for trip, events in wanted if events is not None]
        self._publish(self._engine.correct(owned.states, complete, scored_at_ms=now_ms()), owned.scope)
        expired = len(wanted) - len(complete)
        metrics.LATE_TRIPS.labels("corrected").inc(len(complete))
        metrics.LATE_TRIPS.labels("expired").inc(expired)
        metrics.WAITING_LATE_TRIPS.labels(str(partition)).set(len(waiting))
        if expired:
            log.warning("scores miss late events, as events of their trips have expired", trips=expired)

    def begin_closing(self, partition: int) -> None:
        """Have all open trips of a partition closed by `close_some`."""
        owned = self._partitions.restore(partition)
        owned.begin_closing()
        metrics.CLOSING_TRIPS.labels(str(partition)).set(len(owned.closing))

    def is_closing(self, partition: int) -> bool:
        """Tell whether trips of a partition are still to be closed, or its states are not restored yet."""
        owned = self._partitions.find(partition)
        return owned is None or len(owned.closing) > 0

    def closing(self) -> dict[int, int]:
        """Give how many trips are still to be closed of each partition that has any."""
        left = {}
        for partition in self._partitions:
            owned = self._partitions.find(partition)
            if owned is not None and len(owned.closing) > 0:
                left[partition] = len(owned.closing)
        return left

    def close_some(self, partition: int) -> int:
        """Publish final scores of some trips that are to be closed, and give how many are left.

        Raises
        ------
        StateError
            When the stored states of the partition can't be restored.
        DeliveryError
            When Kafka does not take the scores.
        """
        owned = self._partitions.restore(partition)
        slots = owned.take_closing(_CLOSED_TOGETHER)
        if len(slots) > 0:
            faults_before = _device_faults([owned])
            scores = self._engine.close(owned.states, slots, scored_at_ms=now_ms())
            _count_device_faults([owned], faults_before)
            self._publish(scores, owned.scope)
            self._outputs.wait_until_queued_at_most(_CLOSED_TOGETHER, CONFIRM_TIMEOUT_S)
            metrics.CLOSING_TRIPS.labels(str(partition)).set(len(owned.closing))
        return len(owned.closing)

    def has_open_trips(self, partition: int) -> bool:
        """Tell whether a partition has trips without a final score of what they include."""
        return len(self._partitions.restore(partition).open_slots()) > 0

    def included_offset(self, partition: int) -> int:
        """Give the offset of the last record that a partition's states include; -1 for none."""
        return self._partitions.restore(partition).included_offset

    def _restore(self, partition: int) -> PartitionStates:
        """Restore the states of a partition if they are not held, with all trips closed that are to be."""
        while self.close_some(partition) > 0:
            pass
        return self._partitions.restore(partition)

    def _publish(self, scores: DriverScores | None, scope: Scope) -> None:
        if scores is None or scope.is_nobody:
            return
        self._outputs.publish_scores(scores if scope.client_id is None else scores.of_client(scope.client_id))


def _counts(owned: Iterable[PartitionStates]) -> tuple[int, int]:
    """Give how many duplicate and how many late events there were so far."""
    states = [each.states for each in owned]
    return sum(each.duplicate_count for each in states), sum(each.late_count for each in states)


def _evictions(owned: Iterable[PartitionStates]) -> Counter[str]:
    """Give how many trips were evicted so far because there were too many, by cause."""
    counts: Counter[str] = Counter()
    for each in owned:
        counts.update(each.states.eviction_counts)
    return counts


def _device_faults(owned: Iterable[PartitionStates]) -> Counter[str]:
    """Give how many faults of devices there were so far, by kind."""
    counts: Counter[str] = Counter()
    for each in owned:
        counts.update(each.states.fault_counts)
    return counts


def _count_device_faults(owned: Iterable[PartitionStates], before: Counter[str]) -> None:
    for fault, count in (_device_faults(owned) - before).items():
        metrics.DEVICE_FAULTS.labels(fault).inc(count)
