"""All events of some trips, from the log."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import reduce

from confluent_kafka import Message

from scoring.events import EventColumns
from scoring.features import LateTrip
from stream_app.faust_bridge.record_batch import KafkaRecord, Records
from stream_app.ingest.decoding import Decoder
from stream_app.kafka import TopicReader

TripKey = tuple[str, ...]
"""Trip and vehicle id."""


class LateEvents:
    """Finds all events of trips, as of those of which some came late.

    Parameters
    ----------
    log
        Of trip events.
    decoder
        Used by no other thread.
    """

    def __init__(self, log: TopicReader, decoder: Decoder) -> None:
        self._log = log
        self._decoder = decoder

    def of_late_trips(self, partition: int, trips: Sequence[LateTrip]) -> list[tuple[LateTrip, EventColumns | None]]:
        """Find the events of late trips in one pass through their part of the log.

        Returns
        -------
        list
            Each trip with its events in the order of the log; null where some have expired.

        Raises
        ------
        KafkaException
            When the log can't be read.
        """
        first_offset = self._log.first_offset(partition)
        there = [trip for trip in trips if trip.first_offset >= first_offset]
        events: dict[TripKey, EventColumns] = {}
        if there:
            begin, end = min(trip.first_offset for trip in there), max(trip.last_offset for trip in there)
            events = self.find(partition, begin, end, {trip.ids[:2] for trip in there}.__contains__)
        return [(trip, _within(trip, events.get(trip.ids[:2])) if trip in there else None) for trip in trips]

    def find(
        self, partition: int, first_offset: int, last_offset: int, is_wanted: Callable[[TripKey], bool]
    ) -> dict[TripKey, EventColumns]:
        """Find the events of the wanted trips between two offsets, both included, in the order of the log.

        Raises
        ------
        KafkaException
            When the log can't be read.
        """
        parts: dict[TripKey, list[EventColumns]] = defaultdict(list)
        for messages in self._log.read(partition, first_offset, last_offset):
            for key, events in self._of_trips(partition, messages, is_wanted).items():
                parts[key].append(events)
        return {key: reduce(EventColumns.followed_by, of_trip) for key, of_trip in parts.items()}

    def _of_trips(
        self, partition: int, messages: Sequence[Message], is_wanted: Callable[[TripKey], bool]
    ) -> dict[TripKey, EventColumns]:
        records = Records.of(
            [KafkaRecord(message.offset(), message.key(), message.value(), ()) for message in messages]
        )
        events = self._decoder.decode_records(records, partition).events
        rows: dict[TripKey, list[int]] = defaultdict(list)
        for row, key in enumerate(zip(events.ids("trip_id"), events.ids("vehicle_id"), strict=True)):
            if is_wanted(key):
                rows[key].append(row)
        return {key: events.take(of_trip).with_own_ids() for key, of_trip in rows.items()}


def _within(trip: LateTrip, events: EventColumns | None) -> EventColumns | None:
    if events is None:
        return None
    return events.take((events.offsets >= trip.first_offset) & (events.offsets <= trip.last_offset))
