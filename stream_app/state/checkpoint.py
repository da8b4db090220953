"""A checkpoint: outputs confirmed, states stored and confirmed, then offsets committed, in this order.

After a crash before the commit records are read again: states know which records they include, and scores that are
made again have the same ids and content.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from scoring.features import TripStates
from stream_app.faust_bridge.batch_stream import Delivery
from stream_app.output.changelog import ChangelogWriter
from stream_app.output.outputs import Outputs
from stream_app.state.owned_partitions import OwnedPartitions
from stream_app.state.partition_states import StoredStates
from stream_app.state.stored_table import StoredTable
from stream_app.telemetry import metrics

log = structlog.get_logger(__name__)

CONFIRM_TIMEOUT_S: Final = 60.0
"""A broker that restarts is back within a minute; after that the worker stops, and is started again."""

_PAUSE_PER_WORK: Final = 2.0
"""After each chunk the checkpoint pauses so many times as long as packing took, so that scores get the processors."""


class Checkpoint:
    """Makes durable what was processed, and acknowledges it.

    Parameters
    ----------
    partitions
        The states.
    profiles
        The table of profiles.
    stored
        Packs states.
    outputs, changelog
        What must be confirmed first.
    commit
        Commits the offsets of acknowledged batches.
    interval_s
        The pauses of a checkpoint are at most so long together.
    """

    def __init__(
        self,
        *,
        partitions: OwnedPartitions,
        profiles: StoredTable,
        stored: StoredStates,
        outputs: Outputs,
        changelog: ChangelogWriter,
        commit: Callable[[], Awaitable[None]],
        interval_s: float,
    ) -> None:
        self._partitions = partitions
        self._profiles = profiles
        self._stored = stored
        self._outputs = outputs
        self._changelog = changelog
        self._commit = commit
        self._interval_s = interval_s
        self._draining = asyncio.Event()
        self._epoch = 0
        self._unacknowledged: list[Delivery] = []
        self.lock = asyncio.Lock()
        """Held while states are changed, copied or dropped."""

    def add(self, delivery: Delivery) -> None:
        """Acknowledge a batch with the next checkpoint: it is in the states or tables, and its outputs are enqueued."""
        delivery.release()
        self._unacknowledged.append(delivery)

    async def store_silence(self, partition: int, last_offset: int) -> None:
        """Store that the trips that are open after a record are closed; confirmed when it returns."""
        self._partitions.send_silence(partition, last_offset)
        await asyncio.to_thread(self._changelog.confirm, CONFIRM_TIMEOUT_S)

    def reset(self) -> None:
        """Drop everything that is not stored when partitions are revoked; it will be read again."""
        self._epoch += 1
        self._partitions.reset()
        self._profiles.reset()
        self._unacknowledged.clear()

    def drain(self) -> None:
        """Pause no more, as the worker stops."""
        self._draining.set()

    async def write(self) -> None:
        """Confirm, store, confirm, acknowledge and commit; events are processed meanwhile.

        Raises
        ------
        DeliveryError
            When outputs or rows were not delivered; nothing is acknowledged then.
        """
        started = time.monotonic()
        async with self.lock:
            epoch = self._epoch
            acknowledged, self._unacknowledged = self._unacknowledged, []
        partitions = list(self._partitions)
        stored = [await self._store(partition, epoch, self._interval_s / len(partitions)) for partition in partitions]
        self._stored.free_copy()
        if not acknowledged and not any(stored):
            return
        await asyncio.to_thread(self._outputs.confirm, CONFIRM_TIMEOUT_S)
        async with self.lock:
            if self._epoch != epoch:
                return
            self._profiles.send()
        await asyncio.to_thread(self._changelog.confirm, CONFIRM_TIMEOUT_S)
        async with self.lock:
            if self._epoch != epoch:
                return
            self._partitions.release_stored()
            for delivery in acknowledged:
                delivery.acknowledge()
            await self._commit()
        metrics.LAST_COMMIT.set_to_current_time()
        metrics.CHECKPOINT_SECONDS.observe(time.monotonic() - started)

    async def _store(self, partition: int, epoch: int, max_pause_s: float) -> bool:
        """Send the changed states of a partition, all of one moment, after its outputs; tell whether there are any.

        What they include is sent also where no trip has changed.
        """
        if (owned := self._partitions.find(partition)) is None:
            return False
        await asyncio.to_thread(self._stored.reserve_copy, owned)
        async with self.lock:
            if self._epoch != epoch:
                return False
            included_offset, late_trips = owned.included_offset, tuple(owned.states.late_trips.values())
            packed = await asyncio.to_thread(self._stored.pack_little, owned)
            copied = await asyncio.to_thread(self._stored.copy_changed, owned) if packed is None else None
        if copied is not None:
            packed = await self._pack(copied, max_pause_s)
        if not packed and included_offset <= self._partitions.stored_offset(partition):
            return False
        await asyncio.to_thread(self._outputs.confirm, CONFIRM_TIMEOUT_S)
        async with self.lock:
            if self._epoch != epoch:
                return False
            self._partitions.send_chunks(partition, packed or {}, included_offset, late_trips)
        return True

    async def _pack(self, copied: TripStates, max_pause_s: float) -> dict[int, bytes]:
        """Pack the changed chunks, with a pause after each."""
        packed: dict[int, bytes] = {}
        chunks = self._stored.pack(copied)
        max_pause_s /= len(copied.changed_chunks)
        while True:
            started = time.monotonic()
            step = await asyncio.to_thread(next, chunks, None)
            if step is None:
                return packed
            chunk, content = step
            packed[chunk] = content
            pause_s = min(_PAUSE_PER_WORK * (time.monotonic() - started), max_pause_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._draining.wait(), pause_s)
