"""What a checkpoint leaves, however far it came: the states of one moment, and offsets that go with them."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.events.columns import EventColumns
from scoring.features.parameters import kernel_parameters
from scoring.features.state.chunks import pack_chunk
from scoring.features.update import update
from stream_app.output.errors import DeliveryError
from stream_app.state import checkpoint as checkpoint_module
from stream_app.state import partition_states
from stream_app.state.checkpoint import Checkpoint
from stream_app.state.log_changes import Lineage
from stream_app.state.owned_partitions import OwnedPartitions
from stream_app.state.partition_states import StoredStates
from tests.support.examples.overlapping_trips import emitted_by_trip, overlapping_trips
from tests.support.fakes.changelog import Changelog

PARAMETERS = kernel_parameters(ThresholdProfile(), WindowSettings())
CHUNKS = 4
LINEAGE = Lineage("topic", partition_count=4, began_in=1)


@dataclass
class Delivered:
    """A batch that records whether it was released and acknowledged; in place of the bridge's delivery."""

    is_released: bool = False
    is_acknowledged: bool = False

    def release(self) -> None:
        self.is_released = True

    def acknowledge(self) -> None:
        self.is_acknowledged = True


class Outputs:
    """Outputs that the broker confirms."""

    def confirm(self, _timeout_s: float) -> None:
        """Wait for nothing."""


class Owner:
    """Processes events and writes checkpoints, as the agent does."""

    def __init__(self, changelog: Changelog, generation: int, *, checkpoint_s: float = 5.0) -> None:
        self.commits = 0
        self.outputs, self.changelog = Outputs(), changelog
        outputs: Any = self.outputs
        writer: Any = changelog
        stored = StoredStates(PARAMETERS, CHUNKS)
        self.trips = changelog.owner(generation, keeps_versions=True)
        self.profiles = changelog.owner(generation)
        self.partitions = OwnedPartitions(self.trips, stored)
        for partition in range(4):
            self.partitions.continue_lineage(partition, LINEAGE)
        self.checkpoint = Checkpoint(
            partitions=self.partitions,
            profiles=self.profiles,
            stored=stored,
            outputs=outputs,
            changelog=writer,
            commit=self._commit,
            interval_s=checkpoint_s,
        )

    async def _commit(self) -> None:
        self.commits += 1

    def deliver(self) -> Delivered:
        """Add a batch to the next checkpoint."""
        delivered = Delivered()
        delivery: Any = delivered
        self.checkpoint.add(delivery)
        return delivered

    def take(self, events: EventColumns, first_offset: int, partition: int = 0) -> Any:
        """Process events, one a record; return the rows that they emit, by trip."""
        owned = self.partitions.restore(partition)
        located = replace(events, offsets=np.arange(len(events)) + first_offset)
        fresh = owned.leave_out_included(located)
        emitted = emitted_by_trip(update(owned.states, fresh, PARAMETERS))
        owned.include(first_offset + len(events) - 1)
        return emitted


async def test_whatever_of_a_checkpoint_is_stored_the_next_owner_goes_on_from_the_states_of_one_moment() -> None:
    events = overlapping_trips()
    third = len(events) // 3
    parts = [events.take(slice(begin, begin + third)) for begin in (0, third, 2 * third)]
    changelog = Changelog()
    first = Owner(changelog, 1)
    first.take(parts[0], 0)
    await first.checkpoint.write()
    one_checkpoint = len(changelog.records)
    second_rows = first.take(parts[1], third)
    await first.checkpoint.write()
    third_rows = first.take(parts[2], 2 * third)

    for stored in range(one_checkpoint, len(changelog.records) + 1):
        back = Owner(changelog.first(stored), 2)
        again = back.take(parts[1], third)
        assert again in ({}, second_rows), "all of it or nothing"
        assert back.take(parts[2], 2 * third) == third_rows
    assert again == {}, "at last it was stored"


async def test_records_that_are_read_again_in_several_batches_are_all_left_out() -> None:
    events = overlapping_trips()
    changelog = Changelog()
    first = Owner(changelog, 1)
    first.take(events, 0)
    await first.checkpoint.write()
    back = Owner(changelog, 2)
    step = len(events) // 5
    for begin in range(0, len(events), step):
        assert back.take(events.take(slice(begin, begin + step)), begin) == {}
    states = back.partitions.restore(0).states
    assert (states.late_count, states.duplicate_count) == (0, 0)


async def test_events_are_acknowledged_once_everything_is_stored() -> None:
    changelog = Changelog()
    owner = Owner(changelog, 1)
    owner.take(overlapping_trips(), 0)
    batch = owner.deliver()
    assert (batch.is_released, batch.is_acknowledged) == (True, False)
    await owner.checkpoint.write()
    assert (batch.is_acknowledged, owner.commits) == (True, 1)
    await owner.checkpoint.write()
    assert owner.commits == 1, "nothing was done since"


@pytest.mark.parametrize("refusing", ["outputs", "changelog"])
async def test_nothing_is_acknowledged_when_the_broker_refuses_outputs_or_rows(refusing: str) -> None:
    owner = Owner(Changelog(), 1)
    owner.take(overlapping_trips(), 0)
    batch = owner.deliver()

    def refuse(_timeout_s: float) -> None:
        raise DeliveryError(1, "topic", "refused")

    getattr(owner, refusing).confirm = refuse
    with pytest.raises(DeliveryError):
        await owner.checkpoint.write()
    assert (batch.is_acknowledged, owner.commits) == (False, 0)


async def test_offsets_are_committed_after_the_rows_that_were_sent_last_are_confirmed() -> None:
    owner = Owner(Changelog(), 1)
    owner.take(overlapping_trips(), 0)
    owner.profiles.put(0, "driver", b"profile", included_offset=1)
    batch = owner.deliver()
    confirmed: list[tuple[int, bool, int]] = []

    def confirm(_timeout_s: float) -> None:
        confirmed.append((len(owner.changelog.records), batch.is_acknowledged, owner.commits))

    owner.changelog.confirm = confirm  # type: ignore[method-assign]
    await owner.checkpoint.write()
    assert confirmed == [(len(owner.changelog.records), False, 0)], "all rows, and nothing acknowledged before"
    assert (batch.is_acknowledged, owner.commits) == (True, 1)


async def test_partitions_that_are_revoked_while_a_checkpoint_is_confirmed_are_not_committed() -> None:
    changelog = Changelog()
    owner = Owner(changelog, 1)
    owner.take(overlapping_trips(), 0)
    batch = owner.deliver()

    def revoked(_timeout_s: float) -> None:
        owner.checkpoint.reset()

    owner.outputs.confirm = revoked  # type: ignore[method-assign]
    await owner.checkpoint.write()
    assert (changelog.records, batch.is_acknowledged, owner.commits) == ([], False, 0)


async def test_partitions_are_stored_one_after_the_other_with_pauses_between_chunks_which_draining_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checkpoint_module, "_PAUSE_PER_WORK", 1e9)
    loop, has_begun, packed = asyncio.get_running_loop(), asyncio.Event(), []

    def pack(*arguments: Any, **options: Any) -> bytes:
        packed.append({key.split(b":")[0] for key, _ in changelog.records})
        loop.call_soon_threadsafe(has_begun.set)
        return pack_chunk(*arguments, **options)

    monkeypatch.setattr(partition_states, "pack_chunk", pack)
    changelog = Changelog()
    owner = Owner(changelog, 1, checkpoint_s=3600.0)
    for partition in (0, 1):
        owner.take(overlapping_trips(), 0, partition)
    writing = asyncio.ensure_future(owner.checkpoint.write())
    await asyncio.wait_for(has_begun.wait(), 60)
    assert (len(packed), changelog.records) == (1, []), "states of one moment are sent together"
    owner.checkpoint.drain()
    await writing
    assert packed == [set()] * CHUNKS + [{b"0"}] * CHUNKS, "the first is stored before the second is packed"
    assert (len(changelog.records), owner.commits) == (2 * (CHUNKS + 1), 1)


async def test_nothing_that_is_stored_is_held_twice() -> None:
    changelog = Changelog()
    owner = Owner(changelog, 1)
    owner.take(overlapping_trips(), 0)
    await owner.checkpoint.write()
    back = Owner(changelog, 2)
    back.take(overlapping_trips(), 0)
    for table in (owner.trips, back.trips):
        assert {len(stored) for stored in dict(table._table.items()).values()} == {8}
