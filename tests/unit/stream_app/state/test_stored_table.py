"""What a table keeps through owners that follow each other, and one that writes though it is no longer the owner."""

from collections.abc import Callable

import pytest

from scoring.errors import StateError
from stream_app.state.stored_table import NO_VERSION, StoredTable, Version
from tests.support.fakes.changelog import Changelog

pytestmark = pytest.mark.usefixtures("in_a_loop")


@pytest.fixture
def changelog() -> Changelog:
    return Changelog()


NEWEST = Version(2**62, 0, 0)


def stored(table: StoredTable, up_to: Version = NEWEST) -> dict[str, bytes]:
    return dict(table.stored_items("", up_to))


def write(table: StoredTable, key: str, content: bytes, *, up_to: int) -> None:
    table.put(0, key, content, included_offset=up_to)
    table.send()


def test_what_is_not_sent_is_read_back_but_not_stored(changelog: Changelog) -> None:
    table = changelog.owner(1)
    table.put(0, "one", b"new", included_offset=7)
    assert table.get("one") == b"new"
    assert stored(table) == {}
    table.reset()
    assert table.get("one") is None
    assert changelog.records == []


def test_the_next_owner_finds_what_was_written_last(changelog: Changelog) -> None:
    first = changelog.owner(1)
    write(first, "one", b"a", up_to=7)
    write(first, "one", b"b", up_to=9)
    write(first, "two", b"c", up_to=9)
    assert stored(changelog.owner(2)) == {"one": b"b", "two": b"c"}


def test_an_owner_leaves_one_row_of_each_key_that_it_writes(changelog: Changelog) -> None:
    write(changelog.owner(1), "one", b"a", up_to=7)
    write(changelog.owner(2), "one", b"b", up_to=8)
    write(changelog.owner(3), "one", b"c", up_to=9)
    changelog.compact()
    assert len(changelog.records) == 1
    assert changelog.owner(4).get("one") == b"c"


def zombie_before_the_owner(zombie: Callable[[], None], owner: Callable[[], None]) -> None:
    zombie()
    owner()


def zombie_after_the_owner(zombie: Callable[[], None], owner: Callable[[], None]) -> None:
    owner()
    zombie()


@pytest.mark.parametrize("order", [zombie_before_the_owner, zombie_after_the_owner])
@pytest.mark.parametrize("compacted", [False, True])
def test_a_worker_that_wakes_does_not_undo_what_the_new_owner_wrote(
    changelog: Changelog, order: Callable[[Callable[[], None], Callable[[], None]], None], *, compacted: bool
) -> None:
    paused = changelog.owner(1)
    write(paused, "one", b"a", up_to=7)
    paused.put(0, "one", b"stale", included_offset=8)
    owner = changelog.owner(2)
    owner.put(0, "one", b"newer", included_offset=12)
    order(paused.send, owner.send)
    if compacted:
        changelog.compact()
    following = changelog.owner(3)
    assert following.get("one") == b"newer"
    write(following, "one", b"newest", up_to=13)
    changelog.compact()
    assert len(changelog.records) == 1, "what the paused one left is deleted"
    assert changelog.owner(4).get("one") == b"newest"


def test_of_rows_that_include_the_same_the_later_owner_s_counts(changelog: Changelog) -> None:
    paused, owner = changelog.owner(1), changelog.owner(2)
    write(owner, "one", b"closed for its silence", up_to=7)
    write(paused, "one", b"open", up_to=7)
    assert changelog.owner(3).get("one") == b"closed for its silence"


def test_an_owner_that_loses_its_partition_and_is_assigned_it_again_reads_the_rows_again(changelog: Changelog) -> None:
    table = changelog.owner(1)
    write(table, "one", b"a", up_to=7)
    table._table.hold(0, b"one@2.0", (9).to_bytes(8, "big") + b"b")
    assert table.get("one") == b"a"
    table.reset()
    assert table.get("one") == b"b"


def test_versions_are_kept_until_the_last_row_of_their_checkpoint_is_written(changelog: Changelog) -> None:
    table = changelog.owner(1, keeps_versions=True)
    for up_to, contents in ((7, {"one": b"a", "two": b"b"}), (9, {"one": b"c", "two": b"d"})):
        for key, content in contents.items():
            table.put(0, key, content, included_offset=up_to)
        table.put(0, "complete", b"", included_offset=up_to)
        table.send()
    complete_after = {3: {"one": b"a", "two": b"b"}, 6: {"one": b"c", "two": b"d"}}
    expected: dict[str, bytes] = {}
    for count in range(len(changelog.records) + 1):
        expected = complete_after.get(count, expected)
        torn = changelog.first(count).owner(2, keeps_versions=True)
        complete = torn.newest("complete")
        rows = {key: row for key, row in stored(torn, complete).items() if key != "complete"}
        assert (rows if complete != NO_VERSION else {}) == expected
    assert complete == Version(9, 1, 2)
    changelog.compact()
    assert len(changelog.records) == 3, "older versions are deleted"


def test_rows_are_found_by_the_beginning_of_their_keys(changelog: Changelog) -> None:
    table = changelog.owner(1)
    write(table, "1:0", b"a", up_to=7)
    write(table, "11:0", b"b", up_to=7)
    assert dict(table.stored_items("1:", NEWEST)) == {"0": b"a"}


def test_rows_come_in_the_order_in_which_they_were_stored(changelog: Changelog) -> None:
    table = changelog.owner(1)
    for key, up_to in (("a", 7), ("b", 7), ("c", 8), ("a", 9)):
        write(table, key, b"", up_to=up_to)
    assert [key for key, _ in changelog.owner(2).stored_items("", NEWEST)] == ["b", "c", "a"]


def test_released_rows_come_back_with_the_changelog_and_never_empty(changelog: Changelog) -> None:
    table = changelog.owner(1, keeps_versions=True)
    for key in ("1:0", "2:0"):
        write(table, key, b"content", up_to=7)
    table.release("1:")
    assert table.newest("1:0").included_offset == 7, "what it includes is still known"
    assert table.get("2:0") == b"content"
    table.reset()
    with pytest.raises(StateError, match="Start the worker again"):
        stored(table)
    changelog.read_into(table._table)
    table.reset()
    assert stored(table) == {"1:0": b"content", "2:0": b"content"}
