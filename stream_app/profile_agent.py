"""The agents of driver profiles: final trip scores, brought to their driver's partition, into rolling scores.

Scores are keyed by trip, profiles by driver, and the trips of a driver are on any partition. So one agent reads
``driver-scores`` in batches and sends the final trip scores on, keyed by driver; the other keeps a table row a driver.
"""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Final

from faust.types import StreamT

from schemas.driver_score import DriverScore, RiskBand
from scoring.driver_profile import ProfileState, count_trip, profile_message
from stream_app.batch_consumer import is_current
from stream_app.commit import Checkpoints
from stream_app.publishing import Publisher
from stream_app.record_batch import RecordBatch
from stream_app.settings import ProfileSettings
from stream_app.stored_table import StoredTable

_OTHERS: Final = (b'"kind":"window"', b'"final":false')
"""Most scores are not of trips that ended, and to parse them all would cost more than to score them."""


class ScoreRouter:
    """Sends final trip scores to their driver's partition.

    Parameters
    ----------
    publisher
        What sends them.
    checkpoints
        Acknowledges what was sent on, once that is confirmed.
    topic
        Full name of the topic that is keyed by driver.
    """

    def __init__(self, publisher: Publisher, checkpoints: Checkpoints, topic: str) -> None:
        self._publisher = publisher
        self._checkpoints = checkpoints
        self._topic = topic

    async def run(self, stream: StreamT) -> AsyncIterator[None]:
        """Send on until the stream ends."""
        async for event in stream.noack().events():
            if is_current(event):
                self._send_on(event.value)
                self._checkpoints.done(event)
            yield

    def _send_on(self, batch: RecordBatch) -> None:
        for value in batch.records().values():
            if value is None or any(other in value for other in _OTHERS):
                continue
            score = json.loads(value)
            if score["kind"] == "trip" and score["final"]:
                self._publisher.forward(self._topic, score["driver_id"].encode(), value)


class ProfileKeeper:
    """Keeps the profiles of drivers.

    Parameters
    ----------
    table
        A row a driver: `ProfileState` as JSON.
    publisher
        What publishes the profiles.
    checkpoints
        Acknowledges what was counted, once its profile is confirmed.
    settings
        Half-life and least distance.
    band_of
        Gives the risk band of a score.
    """

    def __init__(
        self,
        table: StoredTable,
        publisher: Publisher,
        checkpoints: Checkpoints,
        settings: ProfileSettings,
        band_of: Callable[[float], RiskBand],
    ) -> None:
        self._table = table
        self._checkpoints = checkpoints
        self._publisher = publisher
        self._settings = settings
        self._band_of = band_of

    async def run(self, stream: StreamT) -> AsyncIterator[None]:
        """Count trips until the stream ends."""
        async for event in stream.noack().events():
            if is_current(event):
                batch: RecordBatch = event.value
                for value in batch.records().values():
                    if value is not None:
                        self._count(batch, DriverScore.model_validate_json(value))
                self._checkpoints.done(event)
            yield

    def _count(self, batch: RecordBatch, trip: DriverScore) -> None:
        """Count a trip and publish the profile; also for a repeated one, whose profile a crash may have swallowed."""
        half_life_days, min_distance_km = self._settings.half_life_days, self._settings.min_distance_km
        stored = self._table.get(trip.driver_id)
        before = ProfileState() if stored is None else ProfileState.model_validate_json(stored)
        after = count_trip(before, trip, half_life_days=half_life_days, min_distance_km=min_distance_km)
        if after is not before:
            content = after.model_dump_json().encode()
            self._table.put(batch.partition, trip.driver_id, content, included_offset=batch.last_offset)
        message = profile_message(
            after,
            trip,
            half_life_days=half_life_days,
            min_distance_km=min_distance_km,
            band_of=self._band_of,
            updated_at=datetime.now(UTC),
        )
        self._publisher.publish_profiles([(trip.driver_id, message.model_dump_json())])
