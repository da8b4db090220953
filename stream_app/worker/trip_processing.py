"""Decoded batches into published scores: what the agent of trip events does with them, on a thread of its own."""

from collections.abc import Iterable, Sequence

from scoring.driver_scores import ScoreMaker
from scoring.features.parameters import KernelParameters
from scoring.features.state.trip_states import TripStates
from scoring.features.update import DueFeatures, close_trips, update
from stream_app.faust_bridge.record_batch import RecordBatch
from stream_app.ingest.decoding import DecodedBatch
from stream_app.output.outputs import Outputs
from stream_app.state.owned_partitions import OwnedPartitions
from stream_app.state.partition_states import PartitionStates
from stream_app.telemetry import metrics
from stream_app.telemetry.data_metrics import count_sensors
from stream_app.worker.wall_clock import now_ms

_Due = tuple[TripStates, DueFeatures]


class TripProcessing:
    """Updates trip states and publishes what they emit.

    Parameters
    ----------
    partitions
        The trip states.
    parameters, score_maker, outputs
        The steps of the work.
    """

    def __init__(
        self,
        partitions: OwnedPartitions,
        parameters: KernelParameters,
        score_maker: ScoreMaker,
        outputs: Outputs,
    ) -> None:
        self._partitions = partitions
        self._parameters = parameters
        self._score_maker = score_maker
        self._outputs = outputs

    def process(self, batches: Sequence[tuple[RecordBatch, DecodedBatch]]) -> None:
        """Take batches into the states of their partitions, and publish scores and rejects.

        Raises
        ------
        StateError
            When the stored states of a partition can't be restored.
        DeliveryError
            When Kafka refuses a message at once.
        """
        due: dict[int, _Due] = {}
        for batch, decoded in batches:
            if batch.partition in due:  # slots of what is due may get other trips
                self._publish(due.values())
                due.clear()
            owned = self._restore(batch.partition)
            due[batch.partition] = (owned.states, self._update(owned, batch, decoded))
        self._publish(due.values())

    def close_open_trips(self, partition: int) -> None:
        """Publish final scores of all open trips of a partition."""
        owned = self._restore(partition)
        self._publish([(owned.states, close_trips(owned.states, self._parameters, owned.open_slots()))])

    def has_open_trips(self, partition: int) -> bool:
        """Tell whether a partition has trips without a final score of what they include."""
        return len(self._restore(partition).open_slots()) > 0

    def included_offset(self, partition: int) -> int:
        """Give the offset of the last record that a partition's states include; -1 for none."""
        return self._restore(partition).included_offset

    def _restore(self, partition: int) -> PartitionStates:
        owned = self._partitions.restore(partition)
        if owned.closed is not None:
            closed, owned.closed = owned.closed, None
            self._publish([(owned.states, closed)])
        return owned

    def _update(self, owned: PartitionStates, batch: RecordBatch, decoded: DecodedBatch) -> DueFeatures:
        states = owned.states
        events = owned.leave_out_included(decoded.events, decoded.offsets)
        duplicates, late = states.duplicate_count, states.late_count
        due = update(states, events, self._parameters)
        owned.include(batch.last_offset)
        self._outputs.publish_rejects(decoded.rejects, batch.topic, batch.partition)
        metrics.DUPLICATES.inc(states.duplicate_count - duplicates)
        metrics.LATE.inc(states.late_count - late)
        metrics.RECORDS.inc(decoded.record_count)
        metrics.EVENTS.inc(len(events))
        metrics.OPEN_TRIPS.labels(str(batch.partition)).set(len(states))
        count_sensors(events)
        return due

    def _publish(self, due: Iterable[_Due]) -> None:
        some = [(states, its_due) for states, its_due in due if len(its_due.rows) > 0]
        if some:
            self._outputs.publish_scores(self._score_maker.make(some, scored_at_ms=now_ms()))
