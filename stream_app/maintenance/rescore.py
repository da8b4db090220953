"""``driver-score rescore``: score one trip again from its events in Kafka, whatever came when.

For events that came when the workers no longer kept the trip's state.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import reduce
from typing import Any, Final

import orjson
from confluent_kafka import KafkaException

from schemas.columns import OUTPUT_COLUMNS
from schemas.errors import DriverScoreError
from schemas.settings import Settings
from schemas.topics import DRIVER_SCORES, TRIP_EVENTS
from scoring.driver_scores import DriverScores
from scoring.engine import ScoringEngine
from scoring.events import EventColumns
from scoring.features import TripStates, drivers_trips, published_ids
from scoring.model import DEFAULT_MODEL, Scorer
from stream_app.ingest.decoding import Decoder
from stream_app.ingest.late_events import LateEvents, TripKey
from stream_app.kafka import SourceLog, SourceLogs, TopicReader
from stream_app.output.outputs import Outputs
from stream_app.state.checkpoint import CONFIRM_TIMEOUT_S
from stream_app.wall_clock import now_ms

_NAMED: Final = 5


class RescoreError(DriverScoreError):
    """A trip can't be scored again."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"nothing was published: {problem}. {remedy}")


def rescore_trip(
    settings: Settings,
    trip_id: str,
    *,
    vehicle_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[dict[str, Any]]:
    """Compute a trip from all of its events, in order of time, and publish final scores of it and of its windows.

    They raise no alerts, and have a revision above all that was published of the trip.

    Parameters
    ----------
    settings
        Those of the workers.
    trip_id, vehicle_id
        The trip; its vehicle where several have one of that id.
    since, until
        Events written to Kafka between these times, where an id is of several trips; null for all.

    Returns
    -------
    list of dict
        The trip's score as it was published, of each of its drivers.

    Raises
    ------
    RescoreError
        If no trip, or more than one, is found.
    ModelError, KafkaAccessError, TopicError, DeliveryError
        If the model, or Kafka, can't be used.
    """
    kafka = settings.kafka
    scorer = Scorer.load(settings.model.path or DEFAULT_MODEL, thresholds=settings.thresholds)
    logs = SourceLogs(kafka)
    events_topic, scores_topic = (kafka.topic_prefix + topic.name for topic in (TRIP_EVENTS, DRIVER_SCORES))
    found = logs.read([events_topic, scores_topic])
    parts = _between(logs, events_topic, found, since, until)
    try:
        events = _only(trip_id, _events_of(settings, events_topic, parts, trip_id, vehicle_id))
        trips = drivers_trips(events)
        published = {published_ids(trip.ids, trip.part)[:2] for trip in trips}
        revision = _last_revision(TopicReader(kafka, scores_topic), scores_topic, found, published)
    except KafkaException as error:
        raise RescoreError(f"Kafka can't be read ({error.args[0].str()})", remedy="Try again") from error
    states = TripStates()
    states.first_revision = revision + 1
    late = [(trip, events) for trip in trips]
    scores = ScoringEngine.of(settings, scorer).correct(states, late, scored_at_ms=now_ms())
    if scores is None:
        raise RescoreError("the trip has no events", remedy="Check --from and --until")
    outputs = Outputs(kafka)
    outputs.publish_scores(DriverScores({**scores.columns, "alerting": [False] * len(scores)}))
    outputs.confirm(CONFIRM_TIMEOUT_S)
    rows = [row for row, kind in enumerate(scores.columns["kind"]) if kind == "trip"]
    return list(scores.rows(OUTPUT_COLUMNS[DRIVER_SCORES.name], rows))


def _between(
    logs: SourceLogs,
    topic: str,
    found: Mapping[tuple[str, int], SourceLog],
    since: datetime | None,
    until: datetime | None,
) -> dict[int, tuple[int, int]]:
    """Give the first and the last offset of each partition that has records of that time."""
    numbers = [number for name, number in found if name == topic]
    first = {number: found[topic, number].first_offset for number in numbers}
    end = {number: found[topic, number].end_offset for number in numbers}
    if since is not None:
        starts = logs.offsets_at(topic, len(numbers), round(since.timestamp() * 1000))
        first = {number: max(first[number], starts[number]) for number in numbers}
    if until is not None:
        end = logs.offsets_at(topic, len(numbers), round(until.timestamp() * 1000))
    return {number: (first[number], end[number] - 1) for number in numbers if first[number] < end[number]}


def _events_of(
    settings: Settings, topic: str, parts: Mapping[int, tuple[int, int]], trip_id: str, vehicle_id: str | None
) -> dict[TripKey, list[EventColumns]]:
    """Find the events of the trips of that id by trip and vehicle id, each with those of every partition."""
    reader = LateEvents(TopicReader(settings.kafka, topic), Decoder.of(settings, now_ms))

    def is_wanted(key: TripKey) -> bool:
        return key[0] == trip_id and vehicle_id in {None, key[1]}

    events: dict[TripKey, list[EventColumns]] = defaultdict(list)
    for partition, (first, last) in parts.items():
        for key, of_trip in reader.find(partition, first, last, is_wanted).items():
            events[key].append(of_trip)
    return events


def _only(trip_id: str, events: Mapping[TripKey, list[EventColumns]]) -> EventColumns:
    if not events:
        raise RescoreError(f"there are no events of trip {trip_id}", remedy="Check the ids, --from and --until")
    if len(events) > 1:
        vehicles = ", ".join(sorted(vehicle for _, vehicle in events)[:_NAMED])
        raise RescoreError(f"several vehicles have a trip {trip_id}: {vehicles}", remedy="Add --vehicle")
    [parts] = events.values()
    return reduce(EventColumns.followed_by, parts)


def _last_revision(
    reader: TopicReader, topic: str, found: Mapping[tuple[str, int], SourceLog], trips: Collection[TripKey]
) -> int:
    """Give the highest revision of these trips, or of one of their windows, that was published; -1 for none."""
    highest = -1
    texts = [trip_id.encode() for trip_id, _ in trips]
    for (name, partition), log in found.items():
        if name != topic or log.first_offset >= log.end_offset:
            continue
        for messages in reader.read(partition, log.first_offset, log.end_offset - 1):
            for message in messages:
                if any(text in (message.value() or b"") for text in texts):
                    score = orjson.loads(message.value())
                    if (score["trip_id"], score["vehicle_id"]) in trips:
                        highest = max(highest, score["revision"])
    return highest
