"""What the last row of a checkpoint tells the next owner: of which log the states are, and whether all are there."""

import pytest

from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.errors import StateError
from scoring.features import LateTrip
from scoring.features.parameters import kernel_parameters
from scoring.features.update import update
from stream_app.state.inventory import Inventory, Rescoring, Scope
from stream_app.state.log_changes import Lineage
from stream_app.state.owned_partitions import OwnedPartitions
from stream_app.state.partition_states import StoredStates
from tests.support.examples.overlapping_trips import overlapping_trips
from tests.support.fakes.changelog import Changelog

pytestmark = pytest.mark.usefixtures("in_a_loop")

PARAMETERS = kernel_parameters(ThresholdProfile(), WindowSettings())
CHUNKS = 4
LINEAGE = Lineage("topic", partition_count=2, began_in=1)


STORED = StoredStates(PARAMETERS, CHUNKS)


def owner(changelog: Changelog, generation: int) -> OwnedPartitions:
    return OwnedPartitions(changelog.owner(generation, keeps_versions=True), STORED)


def store_trips(partitions: OwnedPartitions, *, partition: int = 0, included_offset: int = 99) -> None:
    owned = partitions.restore(partition)
    update(owned.states, overlapping_trips(), PARAMETERS)
    copied = STORED.copy_changed(owned)
    assert copied is not None
    partitions.send_chunks(partition, dict(STORED.pack(copied)), included_offset)


def test_nothing_is_known_of_a_partition_that_was_never_stored() -> None:
    assert owner(Changelog(), 1).stored_position(0) is None


def test_the_next_owner_knows_the_log_and_how_far_the_states_are() -> None:
    changelog = Changelog()
    first = owner(changelog, 1)
    first.begin_lineage(0, LINEAGE, included_offset=9)
    begun = owner(changelog, 2).stored_position(0)
    assert begun is not None
    assert (begun.included_offset, begun.lineage, begun.is_empty) == (9, LINEAGE, True)

    store_trips(first)
    position = owner(changelog, 2).stored_position(0)
    assert position is not None
    assert (position.included_offset, position.lineage, position.is_empty) == (99, LINEAGE, False)
    assert position.lost_chunks == ()


def test_records_that_no_trip_includes_are_stored_as_included_without_chunks() -> None:
    changelog = Changelog()
    first = owner(changelog, 1)
    first.begin_lineage(0, LINEAGE, included_offset=-1)
    store_trips(first)
    first.send_chunks(0, {}, 150)
    position = owner(changelog, 2).stored_position(0)
    assert position is not None
    assert (position.included_offset, position.lost_chunks) == (150, ())


def test_late_trips_that_wait_are_known_to_the_next_owner() -> None:
    changelog = Changelog()
    first = owner(changelog, 1)
    first.begin_lineage(0, LINEAGE, included_offset=-1)
    store_trips(first)
    waiting = LateTrip(("trip", "vehicle", "driver", "client"), 7, 99, 3)
    first.send_chunks(0, {}, 150, (waiting,))
    second = owner(changelog, 2)
    second.continue_lineage(0, LINEAGE)
    assert list(second.restore(0).states.late_trips.values()) == [waiting]
    second.send_chunks(0, {}, 160, ())
    third = owner(changelog, 3)
    third.continue_lineage(0, LINEAGE)
    assert third.restore(0).states.late_trips == {}


def test_each_chunk_that_is_lost_is_named() -> None:
    changelog = Changelog()
    first = owner(changelog, 1)
    first.begin_lineage(0, LINEAGE, included_offset=-1)
    store_trips(first)
    names = sorted({key for key, value in changelog.records if value and key.split(b"@")[0].split(b":")[1].isdigit()})
    for name in names:
        damaged = Changelog()
        damaged.records = [*changelog.records, (name, None)]
        position = owner(damaged, 2).stored_position(0)
        assert position is not None
        assert position.lost_chunks == (int(name.split(b"@")[0].split(b":")[1]),)


def test_a_partition_that_begins_again_has_none_of_its_states_and_leaves_the_others_theirs() -> None:
    changelog = Changelog()
    first = owner(changelog, 1)
    for partition in (1, 11):
        first.begin_lineage(partition, LINEAGE, included_offset=-1)
        store_trips(first, partition=partition)
    again = owner(changelog, 2)
    later = Lineage("other topic", 2, 2, first_revision=10_000)
    again.begin_lineage(1, later, included_offset=49)
    third = owner(changelog, 3)
    third.continue_lineage(1, later)
    third.continue_lineage(11, LINEAGE)
    states = third.restore(1)
    assert (len(states.states), states.included_offset, states.states.first_revision) == (0, 49, 10_000)
    assert len(third.restore(11).states) > 0


def test_rows_of_a_version_of_before_tell_only_how_far_the_states_are() -> None:
    changelog = Changelog()
    table = changelog.owner(1, keeps_versions=True)
    table.put(0, "0:complete", b"", included_offset=7)
    table.send()
    position = owner(changelog, 2).stored_position(0)
    assert position is not None
    assert (position.included_offset, position.lineage, position.is_empty) == (7, None, False)


@pytest.mark.parametrize("row", [b"{", b'{"lineage": 5}', b'{"lineage": "unknown", "chunks": []}'])
def test_a_row_that_can_not_be_read_is_an_error_and_not_taken_for_none(row: bytes) -> None:
    changelog = Changelog()
    table = changelog.owner(1, keeps_versions=True)
    table.put(0, "0:complete", row, included_offset=7)
    table.send()
    with pytest.raises(StateError, match="can't be read"):
        owner(changelog, 2).stored_position(0)


def test_what_is_scored_again_and_for_whom_is_known_to_the_next_owner() -> None:
    rescoring = Rescoring(publish_from=20, up_to=30, client_id="atlas")
    changelog = Changelog()
    owner(changelog, 1).begin_lineage(0, LINEAGE, 9, rescoring=rescoring)
    following = owner(changelog, 2)
    following.continue_lineage(0, LINEAGE)
    states = following.restore(0)
    scopes = []
    for offset in (19, 20, 30, 31):
        states.include(offset)
        scopes.append(states.scope)
    assert scopes == [Scope(is_nobody=True), Scope(client_id="atlas"), Scope(client_id="atlas"), Scope()]


def test_a_later_version_may_add_to_the_row() -> None:
    row = b'{"lineage": "driver-score/t/2/1/0;", "chunks": [1], "added": {}}'
    read = Inventory.of_row(row)
    assert read is not None
    assert read.parsed_lineage == Lineage("t", 2, 1)
