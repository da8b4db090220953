"""The agent of driver profiles: final trip scores, brought to their driver's partition, into rolling scores.

Scores are keyed by trip, profiles by driver, and the trips of a driver are on any partition. So final trip scores are
published on ``driver-scores-by-driver`` too, and this agent keeps a table row a driver.
"""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from faust.types import StreamT

from schemas.messages.driver_score import DriverScore, RiskBand
from schemas.settings import ProfileSettings
from scoring.driver_profile import ProfileState, count_trip, profile_message
from stream_app.faust_bridge.batch_consumer import is_current
from stream_app.faust_bridge.record_batch import RecordBatch
from stream_app.output.outputs import Publisher
from stream_app.state.checkpoint import Checkpoints
from stream_app.state.stored_table import StoredTable


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
                trips = (
                    DriverScore.model_validate_json(value) for value in batch.records().values() if value is not None
                )
                self._publisher.publish_profiles([self._count(batch, trip) for trip in trips])
                self._checkpoints.done(event)
            yield

    def _count(self, batch: RecordBatch, trip: DriverScore) -> tuple[str, str]:
        """Count a trip, and give driver and profile: also of a repeated one, as a crash may have swallowed it."""
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
        return trip.driver_id, message.model_dump_json()
