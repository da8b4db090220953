"""Make what has been done durable: outputs confirmed, states stored, then offsets committed, in this order.

A crash before the offsets are committed means that records are read again: states know what they include, and
scores made again have the same ids and content.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from faust.types import EventT

from stream_app import metrics
from stream_app.partition_states import PartitionStates, StoredStates
from stream_app.publishing import Publisher
from stream_app.stored_table import StoredTable

log = structlog.get_logger(__name__)

_SILENCE: Final = "silence"
"""Name of the row, among a partition's chunks, that says after which record the partition went silent."""

CONFIRM_TIMEOUT_S = 60.0
"""A broker that restarts is back within a minute; after that the worker stops, and is started again."""


class Checkpoints:
    """Stores the states of the owned partitions, and acknowledges what they include.

    Parameters
    ----------
    trips
        The table of packed chunks; its keys are ``partition:chunk``, and one is ``partition:silence``.
    profiles
        The table of profiles.
    stored
        Packs and restores states.
    publisher
        Whose outputs must be confirmed first.
    commit
        Commits what is acknowledged.
    """

    def __init__(
        self,
        *,
        trips: StoredTable,
        profiles: StoredTable,
        stored: StoredStates,
        publisher: Publisher,
        commit: Callable[[], Any],
    ) -> None:
        self._trips = trips
        self._profiles = profiles
        self._stored = stored
        self._publisher = publisher
        self._commit = commit
        self._owned: dict[int, PartitionStates] = {}
        self._unacknowledged: list[EventT] = []

    @property
    def owned(self) -> dict[int, PartitionStates]:
        """States of the partitions that this worker has had records of."""
        return self._owned

    def states_of(self, partition: int) -> PartitionStates:
        """Give the states of a partition, restored from the table where this worker has none."""
        owned = self._owned.get(partition)
        if owned is None:
            prefix = f"{partition}:"
            rows = {
                key.removeprefix(prefix): content
                for key, content in self._trips.stored_items()
                if key.startswith(prefix)
            }
            silent_after = int(rows.pop(_SILENCE, b"-1"))
            chunks = {int(chunk): packed for chunk, packed in rows.items()}
            owned = self._owned[partition] = self._stored.restore(partition, chunks, silent_after)
            log.info("partition taken over", partition=partition, trips=len(owned.states), chunks=len(chunks))
        return owned

    def done(self, event: EventT) -> None:
        """Note that an event is in the states or tables, and its outputs are on their way; its bytes are let go."""
        event.value = event.message.value = None
        self._unacknowledged.append(event)

    async def store_silence(self, partition: int, last_offset: int) -> None:
        """Store that the trips of a partition that are open after a record are closed; confirmed when it returns."""
        self._trips.put(partition, f"{partition}:{_SILENCE}", str(last_offset).encode(), included_offset=last_offset)
        self._trips.send()
        await asyncio.to_thread(self._publisher.confirm, CONFIRM_TIMEOUT_S)

    def forget(self) -> None:
        """Drop all states, as partitions are taken away; what is not stored will be read again."""
        self._owned.clear()
        self._trips.forget()
        self._profiles.forget()
        self._unacknowledged.clear()

    async def write(self) -> None:
        """Confirm, store, acknowledge, commit.

        Raises
        ------
        DeliveryError
            When outputs were not delivered; nothing is acknowledged then.
        """
        started = time.monotonic()
        acknowledged, self._unacknowledged = self._unacknowledged, []
        changed = await asyncio.to_thread(self._pack_changed)
        if not acknowledged and not changed:
            return
        await asyncio.to_thread(self._publisher.confirm, CONFIRM_TIMEOUT_S)
        self._trips.send()
        self._profiles.send()
        await asyncio.to_thread(self._publisher.confirm, CONFIRM_TIMEOUT_S)
        for event in acknowledged:
            event.ack()
        await self._commit()
        metrics.LAST_COMMIT.set_to_current_time()
        metrics.CHECKPOINT_SECONDS.observe(time.monotonic() - started)

    def _pack_changed(self) -> bool:
        changed = [(number, owned) for number, owned in self._owned.items() if owned.states.changed_chunks.any()]
        for partition, owned in changed:
            for chunk, packed in self._stored.pack_changed(owned).items():
                self._trips.put(partition, f"{partition}:{chunk}", packed, included_offset=owned.included_offset)
        return bool(changed)
