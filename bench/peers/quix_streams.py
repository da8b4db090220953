"""The job in Quix Streams as its documentation shows it: a stateful function on each event, state in RocksDB.

Quix keeps a cache of the state between commits, and writes it to its changelog topic at each.
``bench/peers/environments.py`` makes the environment that this runs in; it reads the settings of the worker.
"""

import tempfile
from typing import Any

from pydantic import ValidationError
from quixstreams import Application, State

from bench.peers.peer_job import load_scorer, score_messages, take_event
from schemas.messages.trip_event import TripEvent
from schemas.settings import load_settings


def main() -> None:
    """Run until SIGTERM."""
    settings = load_settings()
    kafka = settings.kafka
    scorer = load_scorer(settings)

    def read(message: bytes) -> TripEvent | None:
        try:
            return TripEvent.model_validate_json(message)
        except ValidationError:
            return None

    def score(event: TripEvent, state: State) -> list[dict[str, Any]]:
        trip, ended = take_event(state.get(event.trip_id), event)
        if trip is not None:
            state.set(event.trip_id, trip)
        return score_messages(scorer, ended)

    with tempfile.TemporaryDirectory(prefix="driver-score-quix-") as state_dir:
        app = Application(
            kafka.bootstrap,
            consumer_group=kafka.topic_prefix + kafka.group,
            auto_offset_reset="earliest",
            commit_interval=settings.worker.checkpoint_s,
            state_dir=state_dir,
            loglevel="WARNING",
        )
        events = app.topic(kafka.topic_prefix + "trip-events", value_deserializer="bytes")
        scores = app.topic(kafka.topic_prefix + "driver-scores", key_serializer="str", value_serializer="json")
        frame = app.dataframe(events).apply(read)
        frame = frame.filter(lambda event: event is not None).apply(score, stateful=True, expand=True)
        frame.to_topic(scores, key=lambda message: message["trip_id"])
        app.run()


if __name__ == "__main__":
    main()
