"""What a table keeps through owners that follow each other, and one that writes though it is no longer the owner."""

import asyncio
from collections.abc import Callable
from typing import Any

import faust
import pytest

from stream_app.stored_table import StoredTable

TABLE = "rows"


class Changelog:
    """Keeps what is written to it, as its topic would; the rest of a publisher is not needed here."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes | None]] = []

    def store(self, _changelog: str, _partition: int, key: bytes, value: bytes | None) -> None:
        self.records.append((key, value))

    def compact(self) -> None:
        """Keep the last record of each key, as Kafka's cleaner does."""
        newest = dict(self.records)
        self.records = [(key, value) for key, value in newest.items() if value is not None]

    def owner(self, generation: int) -> StoredTable:
        """Restore the table for a new owner."""
        app = faust.App("test", broker="kafka://127.0.0.1:1", store="memory://")
        table = app.Table(TABLE, key_type=bytes, value_type=bytes)
        for key, value in self.records:
            if value is None:
                table.data.pop(key, None)
            else:
                table.data[key] = value
        return StoredTable(table, self, lambda: generation)  # type: ignore[arg-type]


@pytest.fixture
def changelog() -> Changelog:
    return Changelog()


@pytest.fixture(autouse=True)
def in_a_loop() -> Any:
    """Give Faust the loop that it binds to."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


def write(table: StoredTable, key: str, content: bytes, *, up_to: int) -> None:
    table.put(0, key, content, included_offset=up_to)
    table.send()


def test_what_is_not_sent_is_read_back_but_not_stored(changelog: Changelog) -> None:
    table = changelog.owner(1)
    table.put(0, "one", b"new", included_offset=7)
    assert table.get("one") == b"new"
    assert list(table.stored_items()) == []
    table.forget()
    assert table.get("one") is None
    assert changelog.records == []


def test_the_next_owner_finds_what_was_written_last(changelog: Changelog) -> None:
    first = changelog.owner(1)
    write(first, "one", b"a", up_to=7)
    write(first, "one", b"b", up_to=9)
    write(first, "two", b"c", up_to=9)
    assert dict(changelog.owner(2).stored_items()) == {"one": b"b", "two": b"c"}


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
    assert len(changelog.records) == 1, "what the paused one left is taken away"
    assert changelog.owner(4).get("one") == b"newest"


def test_of_rows_that_include_the_same_the_later_owner_s_counts(changelog: Changelog) -> None:
    paused, owner = changelog.owner(1), changelog.owner(2)
    write(owner, "one", b"closed for its silence", up_to=7)
    write(paused, "one", b"open", up_to=7)
    assert changelog.owner(3).get("one") == b"closed for its silence"


def test_an_owner_that_loses_its_partition_and_gets_it_back_looks_anew(changelog: Changelog) -> None:
    table = changelog.owner(1)
    write(table, "one", b"a", up_to=7)
    table._table.data[b"one@2"] = (9).to_bytes(8, "big") + b"b"
    assert table.get("one") == b"a"
    table.forget()
    assert table.get("one") == b"b"
