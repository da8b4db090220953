"""The job in Faust as its documentation shows it: an agent, one event at a time, a table row a trip.

``python -m bench.peers.stock_faust`` reads the settings of ``driver-score worker``; with ``--no-table`` the states
are in a plain dictionary, and lost with the process.
"""

import sys
from typing import Any, Final

import faust
from pydantic import ValidationError

from bench.peers.peer_job import load_scorer, score_messages, take_event
from schemas.messages.trip_event import TripEvent
from schemas.settings import load_settings

_LINGER_S: Final = 0.005
"""As our publisher waits; Faust's own default, none, sends every change of the table in a request of its own."""
_NO_TABLE: Final = "--no-table"

_settings = load_settings()
_scorer = load_scorer(_settings)
_kafka = _settings.kafka

app = faust.App(
    _kafka.topic_prefix + _kafka.group,
    broker=f"kafka://{_kafka.bootstrap}",
    broker_commit_interval=_settings.worker.checkpoint_s,
    store="memory://",
    producer_linger=_LINGER_S,
    consumer_auto_offset_reset="earliest",
    topic_partitions=_kafka.partitions,
    web_enabled=False,
)
events = app.topic(_kafka.topic_prefix + "trip-events", value_type=bytes, value_serializer="raw", key_serializer="raw")
scores = app.topic(_kafka.topic_prefix + "driver-scores", value_serializer="json", key_type=str)
trips: Any = {} if _NO_TABLE in sys.argv else app.Table("trips", key_type=str)


@app.agent(events)  # type: ignore[untyped-decorator]
async def score_trips(stream: Any) -> None:
    """Process one event after another."""
    async for message in stream:
        try:
            event = TripEvent.model_validate_json(message)
        except ValidationError:
            continue
        key = f"{event.vehicle_id}|{event.trip_id}"
        trip, ended = take_event(trips.get(key), event)
        for score in score_messages(_scorer, ended):
            await scores.send(key=event.trip_id, value=score)
        if trip is not None:
            trips[key] = trip


if __name__ == "__main__":
    sys.argv = [argument for argument in sys.argv if argument != _NO_TABLE]
    faust.Worker(app, loglevel="WARNING").execute_from_commandline()
