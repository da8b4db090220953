"""The agent of driver profiles: final trip scores, by driver, into rolling scores.

Scores are keyed by trip, profiles by driver, and the trips of a driver lie on any partition. So final trip scores are
published once more as trip results, keyed by driver, and this agent keeps a table row per driver.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from schemas.messages.driver_score import RiskBand
from schemas.messages.trip_result import TripResult
from schemas.settings import ProfileSettings
from scoring.driver_profile import ProfileState, count_trip, profile_message
from stream_app.faust_bridge.batch_stream import BatchStream, Delivery, EndOfStreamError
from stream_app.ingest.trip_results import decode_results
from stream_app.output.outputs import Outputs
from stream_app.state.checkpoint import CONFIRM_TIMEOUT_S, Checkpoint
from stream_app.state.stored_table import StoredTable

_QUEUED: Final = 2_000
"""Outputs that wait to be sent before more profiles are made."""


class ProfileAgent:
    """Keeps the profiles of drivers.

    Parameters
    ----------
    table
        A row per driver: `ProfileState` as JSON.
    outputs
        Publishes the profiles.
    checkpoint
        Acknowledges what was counted, once its profile is confirmed.
    settings
        Half-life and minimum distance.
    band_of
        Gives the risk band of a score.
    """

    def __init__(
        self,
        table: StoredTable,
        outputs: Outputs,
        checkpoint: Checkpoint,
        settings: ProfileSettings,
        band_of: Callable[[float], RiskBand],
    ) -> None:
        self._table = table
        self._checkpoint = checkpoint
        self._outputs = outputs
        self._settings = settings
        self._band_of = band_of

    async def run(self, batches: BatchStream) -> None:
        """Count trips until the stream ends."""
        while True:
            try:
                [delivery] = await batches.take(up_to_bytes=1)
            except EndOfStreamError:
                return
            async with self._checkpoint.lock:
                if delivery.is_current:
                    await self._process(delivery)

    async def _process(self, delivery: Delivery) -> None:
        """Count the trips of a batch, part by part; no checkpoint stores some of them without the others."""
        batch = delivery.batch
        parts = decode_results(batch)
        while (decoded := await asyncio.to_thread(next, parts, None)) is not None:
            self._outputs.publish_rejects(decoded.rejects, batch.topic, batch.partition)
            profiles = [self._count(batch.partition, batch.last_offset, trip) for trip in decoded.results]
            await asyncio.to_thread(self._publish, profiles)
        self._checkpoint.add(delivery)

    def _publish(self, profiles: Sequence[tuple[str, str]]) -> None:
        self._outputs.publish_profiles(profiles)
        self._outputs.wait_until_queued_at_most(_QUEUED, CONFIRM_TIMEOUT_S)

    def _count(self, partition: int, last_offset: int, trip: TripResult) -> tuple[str, str]:
        """Count a trip, and give driver and profile: also of a repeated one, whose profile may never have been sent."""
        half_life_days, min_distance_km = self._settings.half_life_days, self._settings.min_distance_km
        stored = self._table.get(trip.driver_id)
        before = ProfileState() if stored is None else ProfileState.model_validate_json(stored)
        after = count_trip(before, trip, half_life_days=half_life_days, min_distance_km=min_distance_km)
        if after is not before:
            self._table.put(partition, trip.driver_id, after.model_dump_json().encode(), included_offset=last_offset)
        message = profile_message(
            after,
            trip,
            half_life_days=half_life_days,
            min_distance_km=min_distance_km,
            band_of=self._band_of,
            updated_at=datetime.now(UTC),
        )
        return trip.driver_id, message.model_dump_json()
