"""Scores trips again of which events came late, from the log, beside the events that arrive."""

import asyncio
import time
from typing import Final

import structlog
from confluent_kafka import KafkaException

from stream_app.ingest.late_events import LateEvents
from stream_app.state.checkpoint import Checkpoint
from stream_app.worker.trip_processing import TripProcessing

log = structlog.get_logger(__name__)

_EVERY_S: Final = 1.0
_PAUSE_PER_WORK: Final = 4.0
"""After each pass through the log it pauses so many times as long, so that events get the processors."""

_MOST_WAITING: Final = 2000
"""Trips of a partition that wait; beyond it, events wait. They are stored in one row of the changelog."""


class LateCorrections:
    """Scores late trips again.

    Parameters
    ----------
    events
        Finds their events.
    processing, checkpoint
        The states.
    """

    def __init__(self, events: LateEvents, processing: TripProcessing, checkpoint: Checkpoint) -> None:
        self._events = events
        self._processing = processing
        self._checkpoint = checkpoint
        self._pass = asyncio.Lock()

    async def run(self) -> None:
        """Correct the trips that wait until cancelled; where the log can't be read, they wait on."""
        while True:
            started = time.monotonic()
            for partition, waiting in self._processing.waiting_late_trips().items():
                if waiting > 0:
                    try:
                        await self._correct(partition)
                    except KafkaException as error:
                        log.warning("late events can't be read again now", reason=str(error.args[0].str()))
            await asyncio.sleep(_EVERY_S + _PAUSE_PER_WORK * (time.monotonic() - started))

    async def keep_up(self, partition: int) -> None:
        """Correct trips of a partition until no more than the maximum wait.

        Raises
        ------
        KafkaException
            When the log can't be read.
        """
        while self._processing.waiting_late_trips().get(partition, 0) > _MOST_WAITING:
            await self._correct(partition)

    async def _correct(self, partition: int) -> None:
        async with self._pass:
            async with self._checkpoint.lock:
                trips = self._processing.late_trips(partition)
            found = await asyncio.to_thread(self._events.of_late_trips, partition, trips)
            async with self._checkpoint.lock:
                await asyncio.to_thread(self._processing.publish_corrected, partition, found)
