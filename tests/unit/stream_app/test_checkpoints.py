"""What a checkpoint leaves, however far it came: the states of one moment, and offsets that go with them."""

import asyncio
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.events.columns import EventColumns
from scoring.features.parameters import kernel_parameters
from scoring.features.state.chunks import pack_chunk
from scoring.features.update import update
from stream_app.state import checkpoint as commit
from stream_app.state import partition_states
from stream_app.state.checkpoint import Checkpoints
from stream_app.state.partition_states import StoredStates
from tests.changelog import Changelog
from tests.overlapping_trips import due_by_trip, overlapping_trips

PARAMETERS = kernel_parameters(ThresholdProfile(), WindowSettings())
CHUNKS = 4


@dataclass
class Acknowledged:
    """An event that notes its acknowledgement."""

    value: object = None
    acked: bool = False

    @property
    def message(self) -> "Acknowledged":
        return self

    def ack(self) -> None:
        self.acked = True


class Owner:
    """Takes events in and writes checkpoints, as the agent does."""

    def __init__(self, changelog: Changelog, generation: int, *, checkpoint_s: float = 5.0) -> None:
        self.commits = 0
        publisher: Any = changelog
        self.trips = changelog.owner(generation, keeps_versions=True)
        self.checkpoints = Checkpoints(
            trips=self.trips,
            profiles=Changelog().owner(generation),
            stored=StoredStates(PARAMETERS, CHUNKS),
            publisher=publisher,
            commit=self._commit,
            checkpoint_s=checkpoint_s,
        )

    async def _commit(self) -> None:
        self.commits += 1

    def take(self, events: EventColumns, first_offset: int, partition: int = 0) -> Any:
        """Take events in, one a record; return what falls due, by trip."""
        owned = self.checkpoints.states_of(partition)
        fresh = owned.leave_out_included(events, np.arange(len(events)) + first_offset)
        due = due_by_trip(owned.states, update(owned.states, fresh, PARAMETERS))
        owned.include(first_offset + len(events) - 1)
        return due


async def test_whatever_of_a_checkpoint_is_stored_the_next_owner_goes_on_from_the_states_of_one_moment() -> None:
    events = overlapping_trips()
    third = len(events) // 3
    parts = [events.take(slice(begin, begin + third)) for begin in (0, third, 2 * third)]
    changelog = Changelog()
    first = Owner(changelog, 1)
    first.take(parts[0], 0)
    await first.checkpoints.write()
    one_checkpoint = len(changelog.records)
    second_due = first.take(parts[1], third)
    await first.checkpoints.write()
    third_due = first.take(parts[2], 2 * third)

    for stored in range(one_checkpoint, len(changelog.records) + 1):
        back = Owner(changelog.first(stored), 2)
        again = back.take(parts[1], third)
        assert again in ({}, second_due), "all of it or nothing"
        assert back.take(parts[2], 2 * third) == third_due
    assert again == {}, "at last it was stored"


async def test_records_that_are_read_again_in_several_batches_are_all_left_out() -> None:
    events = overlapping_trips()
    changelog = Changelog()
    first = Owner(changelog, 1)
    first.take(events, 0)
    await first.checkpoints.write()
    back = Owner(changelog, 2)
    step = len(events) // 5
    for begin in range(0, len(events), step):
        assert back.take(events.take(slice(begin, begin + step)), begin) == {}
    states = back.checkpoints.states_of(0).states
    assert (states.late_count, states.duplicate_count) == (0, 0)


async def test_events_are_acknowledged_once_everything_is_stored() -> None:
    changelog = Changelog()
    owner = Owner(changelog, 1)
    owner.take(overlapping_trips(), 0)
    event: Any = Acknowledged(b"bytes")
    owner.checkpoints.done(event)
    assert (event.value, event.acked) == (None, False)
    await owner.checkpoints.write()
    assert (event.acked, owner.commits) == (True, 1)
    await owner.checkpoints.write()
    assert owner.commits == 1, "nothing was done since"


async def test_partitions_that_are_taken_away_while_a_checkpoint_is_confirmed_are_not_committed() -> None:
    changelog = Changelog()
    owner = Owner(changelog, 1)
    owner.take(overlapping_trips(), 0)
    event: Any = Acknowledged()
    owner.checkpoints.done(event)

    def taken_away(_timeout_s: float) -> None:
        owner.checkpoints.forget()

    changelog.confirm_outputs = taken_away  # type: ignore[method-assign]
    await owner.checkpoints.write()
    assert (changelog.records, event.acked, owner.commits) == ([], False, 0)


async def test_partitions_are_stored_one_after_the_other_with_rests_between_chunks_which_a_stop_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commit, "_REST", 1e9)
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
    writing = asyncio.ensure_future(owner.checkpoints.write())
    await asyncio.wait_for(has_begun.wait(), 60)
    assert (len(packed), changelog.records) == (1, []), "states of one moment are sent together"
    owner.checkpoints.hurry()
    await writing
    assert packed == [set()] * CHUNKS + [{b"0"}] * CHUNKS, "the first is stored before the second is packed"
    assert (len(changelog.records), owner.commits) == (2 * (CHUNKS + 1), 1)


async def test_nothing_that_is_stored_is_held_twice() -> None:
    changelog = Changelog()
    owner = Owner(changelog, 1)
    owner.take(overlapping_trips(), 0)
    await owner.checkpoints.write()
    back = Owner(changelog, 2)
    back.take(overlapping_trips(), 0)
    for table in (owner.trips, back.trips):
        assert {len(stored) for stored in table._table.data.values()} == {8}
