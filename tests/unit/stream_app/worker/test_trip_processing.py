"""What the processing of trip events counts."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from prometheus_client import REGISTRY

from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.events import EventColumns
from scoring.features import LateTrip, TripStates, kernel_parameters, update
from stream_app.state.partition_states import PartitionStates
from stream_app.worker.trip_processing import TripProcessing
from tests.support.examples.decoding import a_decoder
from tests.support.fakes.fake_bridge import batch_of

PARAMETERS = kernel_parameters(ThresholdProfile(), WindowSettings(max_vehicle_trips=2))


class OnePartition:
    """Holds the states of one partition."""

    def __init__(self) -> None:
        self.states = PartitionStates(TripStates())

    def restore(self, _partition: int) -> PartitionStates:
        return self.states

    find = restore

    def __iter__(self) -> Iterator[int]:
        return iter([0])


class FeaturesOnly:
    """Updates states, and scores nothing."""

    def process(self, batches: Iterable[tuple[TripStates, EventColumns]], **_: Any) -> None:
        for states, events in batches:
            update(states, events, PARAMETERS)

    def correct(self, *_: Any, **__: Any) -> None:
        pass


class NoOutputs:
    """Publishes nothing."""

    def publish_rejects(self, *_: Any) -> None:
        pass


def evicted(cause: str) -> float:
    return REGISTRY.get_sample_value("driver_score_worker_evicted_trips_total", {"cause": cause}) or 0


def test_trips_that_a_vehicle_has_too_many_of_are_counted() -> None:
    processing = TripProcessing(OnePartition(), FeaturesOnly(), NoOutputs())  # type: ignore[arg-type]
    event = b'{"trip_id":"%d","vehicle_id":"v","driver_id":"d","client_id":"c","timestamp":1700000000000,"speed_kmh":1}'
    before = evicted("vehicle"), evicted("partition")
    for first in (0, 5):
        batch = batch_of("trip-events", [event % number for number in range(first, first + 5)], first_offset=first)
        processing.process([(batch, a_decoder().decode(batch))])
    assert (evicted("vehicle"), evicted("partition")) == (before[0] + 8, before[1])


def test_optional_fields_that_count_as_unknown_are_counted_by_field_and_fault() -> None:
    def counted() -> list[float]:
        labels = (
            {"field": "speed_limit_kmh", "fault": "placeholder"},
            {"field": "event_type", "fault": "unknown_choice"},
        )
        return [REGISTRY.get_sample_value("driver_score_worker_field_faults_total", each) or 0 for each in labels]

    processing = TripProcessing(OnePartition(), FeaturesOnly(), NoOutputs())  # type: ignore[arg-type]
    event = b'{"trip_id":"t","vehicle_id":"v","driver_id":"d","client_id":"c","timestamp":1700000000000,"speed_kmh":1'
    values: list[bytes | None] = [
        event + rest + b"}" for rest in (b"", b',"speed_limit_kmh":0', b',"speed_limit_kmh":0,"event_type":"x"')
    ]
    before, batch = counted(), batch_of("trip-events", values)
    processing.process([(batch, a_decoder().decode(batch))])
    assert counted() == [before[0] + 2, before[1] + 1]


def test_late_trips_wait_until_they_are_corrected_or_their_events_have_expired() -> None:
    def counted() -> tuple[float, ...]:
        name = "driver_score_worker_late_trips_total"
        return tuple(REGISTRY.get_sample_value(name, {"outcome": each}) or 0 for each in ("corrected", "expired"))

    partition = OnePartition()
    processing = TripProcessing(partition, FeaturesOnly(), NoOutputs())  # type: ignore[arg-type]
    trips = [LateTrip((f"t{number}", "v", "d", "c"), number, 10, 1) for number in range(3)]
    partition.states.states.expect_late_trips(trips)
    assert processing.late_trips(0) == trips
    changed = replace(trips[2], last_offset=20, revision=3)
    partition.states.states.expect_late_trips([changed])
    before, events = counted(), a_decoder().decode(batch_of("trip-events", [None])).events
    processing.publish_corrected(0, [(trips[0], events), (trips[1], None), (trips[2], events)])
    assert processing.late_trips(0) == [changed], "more came meanwhile"
    assert processing.waiting_late_trips() == {0: 1}
    assert counted() == (before[0] + 1, before[1] + 1)
