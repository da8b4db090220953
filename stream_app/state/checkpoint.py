"""Make what has been done durable: outputs confirmed, states stored, then offsets committed, in this order.

A crash before the offsets are committed means that records are read again: states know what they include, and
scores made again have the same ids and content.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from faust.types import EventT

from scoring.features.state.trip_states import TripStates
from stream_app.output.outputs import Publisher
from stream_app.state.partition_states import PartitionStates, StoredStates
from stream_app.state.stored_table import StoredTable
from stream_app.telemetry import metrics

log = structlog.get_logger(__name__)

_COMPLETE: Final = "complete"
"""Name of the row, behind a partition's chunks, that says that all of them are there, as they were at one moment."""

_SILENCE: Final = "silence"
"""Name of the row that says after which record the partition went silent."""

CONFIRM_TIMEOUT_S = 60.0
"""A broker that restarts is back within a minute; after that the worker stops, and is started again."""

_REST: Final = 2.0
"""After each chunk, so many times as long as it took to pack."""


class Checkpoints:
    """Stores the states of the owned partitions, and acknowledges what they include.

    Parameters
    ----------
    trips
        The table of packed chunks, which keeps versions; its keys are ``partition:chunk``.
    profiles
        The table of profiles.
    stored
        Packs and restores states.
    publisher
        Whose outputs must be confirmed first.
    commit
        Commits what is acknowledged.
    checkpoint_s
        Of the worker's settings: a checkpoint rests for so long at most.
    """

    def __init__(
        self,
        *,
        trips: StoredTable,
        profiles: StoredTable,
        stored: StoredStates,
        publisher: Publisher,
        commit: Callable[[], Any],
        checkpoint_s: float,
    ) -> None:
        self._trips = trips
        self._profiles = profiles
        self._stored = stored
        self._publisher = publisher
        self._commit = commit
        self._checkpoint_s = checkpoint_s
        self._hurries = asyncio.Event()
        self._tenure = 0
        self._owned: dict[int, PartitionStates] = {}
        self.busy = asyncio.Lock()
        """Held while states are changed, copied or dropped."""
        self._unacknowledged: list[EventT] = []

    def states_of(self, partition: int) -> PartitionStates:
        """Give the states of a partition, restored from the table where this worker has none.

        Raises
        ------
        StateError
            When what is stored can't be read.
        """
        owned = self._owned.get(partition)
        if owned is None:
            complete = self._trips.newest(f"{partition}:{_COMPLETE}")
            silent_after = self._trips.newest(f"{partition}:{_SILENCE}").included_offset
            chunks = {
                int(key): packed
                for key, packed in self._trips.stored_items(f"{partition}:", complete)
                if key not in {_COMPLETE, _SILENCE}
            }
            owned = self._stored.restore(partition, chunks, complete.included_offset, silent_after)
            self._trips.let_go(f"{partition}:")
            self._owned[partition] = owned
            log.info("partition taken over", partition=partition, trips=len(owned.states), chunks=len(chunks))
        return owned

    def done(self, event: EventT) -> None:
        """Note that an event is in the states or tables, and its outputs are on their way; its bytes are let go."""
        event.value = event.message.value = None
        self._unacknowledged.append(event)

    async def store_silence(self, partition: int, last_offset: int) -> None:
        """Store that the trips of a partition that are open after a record are closed; confirmed when it returns."""
        self._trips.put(partition, f"{partition}:{_SILENCE}", b"", included_offset=last_offset)
        self._trips.send()
        await asyncio.to_thread(self._publisher.confirm_stored, CONFIRM_TIMEOUT_S)

    def forget(self) -> None:
        """Drop all states, as partitions are taken away; what is not stored will be read again."""
        self._tenure += 1
        self._owned.clear()
        self._trips.forget()
        self._profiles.forget()
        self._unacknowledged.clear()

    async def write(self) -> None:
        """Confirm, store, acknowledge, commit; events are taken in meanwhile.

        Raises
        ------
        DeliveryError
            When outputs were not delivered; nothing is acknowledged then.
        """
        started = time.monotonic()
        async with self.busy:
            tenure = self._tenure
            acknowledged, self._unacknowledged = self._unacknowledged, []
        owned = list(self._owned)
        stored = [await self._store(partition, tenure, self._checkpoint_s / len(owned)) for partition in owned]
        self._stored.give_room_back()
        if not acknowledged and not any(stored):
            return
        await asyncio.to_thread(self._publisher.confirm_outputs, CONFIRM_TIMEOUT_S)
        async with self.busy:
            if self._tenure != tenure:
                return
            self._profiles.send()
        await asyncio.to_thread(self._publisher.confirm_stored, CONFIRM_TIMEOUT_S)
        async with self.busy:
            if self._tenure != tenure:
                return
            for partition in self._owned:
                self._trips.let_go(f"{partition}:")
            for event in acknowledged:
                event.ack()
            await self._commit()
        metrics.LAST_COMMIT.set_to_current_time()
        metrics.CHECKPOINT_SECONDS.observe(time.monotonic() - started)

    def hurry(self) -> None:
        """Rest no more, as the worker stops."""
        self._hurries.set()

    async def _store(self, partition: int, tenure: int, longest_rest_s: float) -> bool:
        """Store what has changed of a partition, all of one moment, behind its outputs; tell whether there is any."""
        if (owned := self._owned.get(partition)) is None:
            return False
        await asyncio.to_thread(self._stored.make_room, owned)
        async with self.busy:
            if self._tenure != tenure:
                return False
            included_offset = owned.included_offset
            copied = await asyncio.to_thread(self._stored.copy_changed, owned)
        if copied is None:
            return False
        packed = await self._pack(copied, longest_rest_s)
        await asyncio.to_thread(self._publisher.confirm_outputs, CONFIRM_TIMEOUT_S)
        async with self.busy:
            if self._tenure != tenure:
                return False
            for chunk, content in packed.items():
                self._trips.put(partition, f"{partition}:{chunk}", content, included_offset=included_offset)
            self._trips.put(partition, f"{partition}:{_COMPLETE}", b"", included_offset=included_offset)
            self._trips.send()
        return True

    async def _pack(self, copied: TripStates, longest_rest_s: float) -> dict[int, bytes]:
        """Pack the chunks that have changed, and leave the processors to scores after each."""
        packed: dict[int, bytes] = {}
        chunks = self._stored.pack(copied)
        longest_rest_s /= len(copied.changed_chunks)
        while True:
            started = time.monotonic()
            step = await asyncio.to_thread(next, chunks, None)
            if step is None:
                return packed
            chunk, content = step
            packed[chunk] = content
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurries.wait(), min(_REST * (time.monotonic() - started), longest_rest_s))
