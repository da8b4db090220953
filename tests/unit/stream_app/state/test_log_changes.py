"""Which changes of a log, of its offset and of stored states are found, and where reading begins then."""

from dataclasses import replace

import pytest

from stream_app.kafka import SourceLog
from stream_app.state.log_changes import Lineage, LogChange, StoredPosition, describe, find_change, start_offset

LINEAGE = Lineage("topic-a", 4, 3)
LOG = SourceLog("topic-a", partition_count=4, first_offset=10, end_offset=100, committed=51, metadata=str(LINEAGE))
STORED = StoredPosition(included_offset=50, lineage=LINEAGE)
EMPTY = StoredPosition(included_offset=9, lineage=LINEAGE, is_empty=True)
OF_BEFORE = StoredPosition(included_offset=50, lineage=None)

UNCHANGED = {
    "a clean stop": (LOG, STORED, 51),
    "a crash after states were stored and before the commit": (replace(LOG, committed=31), STORED, 31),
    "an end of the changelog that was lost": (replace(LOG, committed=71), STORED, 51),
    "a first start": (replace(LOG, committed=None, metadata=""), None, 10),
    "a crash in a first start": (replace(LOG, committed=None, metadata=""), EMPTY, 10),
    "an offset set before the first start": (replace(LOG, committed=80, metadata=""), None, 80),
    "states and offset of a version of before": (replace(LOG, metadata=""), OF_BEFORE, 51),
    "a crash before the first checkpoint of this version": (LOG, OF_BEFORE, 51),
    "all is read": (replace(LOG, committed=100), replace(STORED, included_offset=99), 100),
    "a broker that gives topics no id": (replace(LOG, topic_id=None), STORED, 51),
}

CHANGED = {
    "another topic": (replace(LOG, topic_id="topic-b"), STORED, LogChange.TOPIC_RECREATED, 10),
    "another topic, and no states": (replace(LOG, topic_id="topic-b"), None, LogChange.TOPIC_RECREATED, 10),
    "another topic, and no offset": (
        replace(LOG, topic_id="topic-b", committed=None, metadata=""),
        STORED,
        LogChange.TOPIC_RECREATED,
        10,
    ),
    "states of another topic": (
        LOG,
        replace(STORED, lineage=Lineage("topic-b", 4, 1)),
        LogChange.TOPIC_RECREATED,
        10,
    ),
    "another topic, which is shorter": (
        replace(LOG, topic_id="topic-b", end_offset=20),
        STORED,
        LogChange.TOPIC_RECREATED,
        10,
    ),
    "more partitions": (replace(LOG, partition_count=8), STORED, LogChange.PARTITIONS_RAISED, 51),
    "an end that was lost": (replace(LOG, end_offset=40), STORED, LogChange.OFFSET_BEYOND_END, 10),
    "an offset set beyond the end": (
        replace(LOG, committed=1100, metadata=""),
        STORED,
        LogChange.OFFSET_BEYOND_END,
        10,
    ),
    "an offset set back": (replace(LOG, committed=20, metadata=""), STORED, LogChange.OFFSET_SET, 20),
    "an offset set ahead": (replace(LOG, committed=90, metadata=""), STORED, LogChange.OFFSET_SET, 90),
    "a deleted offset": (replace(LOG, committed=None, metadata=""), STORED, LogChange.OFFSET_DELETED, 10),
    "no states": (LOG, None, LogChange.STATES_LOST, 51),
    "a chunk less": (LOG, replace(STORED, lost_chunks=(7,)), LogChange.STATES_LOST, 51),
    "states of another start": (LOG, replace(STORED, lineage=Lineage("topic-a", 4, 2)), LogChange.STATES_LOST, 51),
}


@pytest.mark.parametrize(("log", "stored", "begins_at"), UNCHANGED.values(), ids=UNCHANGED.keys())
def test_what_a_worker_leaves_behind_is_no_change(
    log: SourceLog, stored: StoredPosition | None, begins_at: int
) -> None:
    assert find_change(log, stored, keeps_states=True) is None
    assert start_offset(log, stored, None) == begins_at


@pytest.mark.parametrize(("log", "stored", "change", "begins_at"), CHANGED.values(), ids=CHANGED.keys())
def test_what_a_worker_does_not_leave_behind_is_a_change(
    log: SourceLog, stored: StoredPosition | None, change: LogChange, begins_at: int
) -> None:
    assert find_change(log, stored, keeps_states=True) == change
    assert start_offset(log, stored, change) == begins_at
    assert describe(change, log, stored)


def test_a_topic_of_which_no_states_are_kept_is_checked_for_its_identity_and_its_end() -> None:
    assert find_change(replace(LOG, metadata=""), None, keeps_states=False) is None
    assert find_change(replace(LOG, topic_id="b"), None, keeps_states=False) == LogChange.TOPIC_RECREATED
    assert find_change(replace(LOG, end_offset=5), None, keeps_states=False) == LogChange.OFFSET_BEYOND_END


@pytest.mark.parametrize("lineage", [LINEAGE, Lineage(None, 1, -1, 20_000), Lineage("a+/b/7==", 4, 12, 0)])
def test_a_lineage_is_read_back_from_what_is_committed(lineage: Lineage) -> None:
    assert Lineage.parse(str(lineage)) == lineage
    assert Lineage.parse(f"{lineage}r0") == lineage, "what is read behind it does not count"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "driver-score/",
        "driver-score/topic-a",
        "set by hand",
        "driver-score/a/1/2/x;",
        "driver-score/a/1/2;",
        "driver-score/a/1/2/3",
    ],
)
def test_other_metadata_is_of_no_worker(text: str) -> None:
    assert Lineage.parse(text) is None


def test_revisions_of_records_that_are_read_again_are_above_those_of_before() -> None:
    now_s = 1_796_000_000.0
    first = LINEAGE.after([LINEAGE, None], now_s)
    assert first.first_revision > 10_000
    assert first.after([first], now_s).first_revision >= first.first_revision + 10_000
    assert first.after([], now_s + 7200).first_revision >= first.first_revision + 10_000
    assert first.after([], 2_400_000_000).first_revision < 2**31
