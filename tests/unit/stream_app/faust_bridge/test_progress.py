"""What is read of a Faust application: offsets of its partitions, and its place in the group."""

from dataclasses import dataclass, field
from typing import Any, cast

from faust.types import TP

from stream_app.faust_bridge.app import BatchApp
from stream_app.faust_bridge.progress import committed_positions, group_state
from stream_app.telemetry.health import GroupState
from stream_app.telemetry.lag import Position, TopicPartition

EVENTS, RESULTS, CHANGELOG = TP("trip-events", 0), TP("results", 0), TP("trips-changelog", 0)
TOPICS = frozenset({"trip-events", "results"})


@dataclass
class Application:
    """An application, its consumer and its tables in one, whose state tests set."""

    highwaters: dict[TP, int] = field(default_factory=dict)
    commits: dict[TP, int] = field(default_factory=dict)
    reads: dict[TP, int] = field(default_factory=dict)
    actives_ready: bool = True
    left: int = 0

    def __post_init__(self) -> None:
        self.consumer = self.tables = self.recovery = self

    def assignment(self) -> set[TP]:
        return {EVENTS, RESULTS, CHANGELOG}

    def highwater(self, tp: TP) -> int | None:
        return self.highwaters.get(tp)

    def committed(self, tp: TP) -> int | None:
        return self.commits.get(tp)

    def next_to_read(self, tp: TP) -> int | None:
        return self.reads.get(tp)

    def active_remaining_total(self) -> int:
        return self.left

    def positions(self, ends: dict[tuple[str, int], int]) -> dict[TopicPartition, Position]:
        return committed_positions(cast(BatchApp, self), TOPICS, ends)


def test_an_end_is_what_the_brokers_told_if_that_is_beyond_what_was_fetched() -> None:
    app = Application(highwaters={EVENTS: 100}, commits={EVENTS: 90}, reads={EVENTS: 100})
    assert app.positions({}) == {EVENTS: Position(90, 100, 100)}
    assert app.positions({EVENTS: 170}) == {EVENTS: Position(90, 170, 100)}, "it no longer fetches"
    assert app.positions({EVENTS: 95}) == {EVENTS: Position(90, 100, 100)}, "it has fetched since"


def test_a_partition_that_nothing_was_fetched_of_has_the_end_that_the_brokers_told() -> None:
    assert Application().positions({}) == {}
    assert Application().positions({EVENTS: 7}) == {EVENTS: Position(0, 7, None)}


def test_a_changelog_has_no_position() -> None:
    assert Application(highwaters={CHANGELOG: 5}).positions({CHANGELOG: 5}) == {}


def test_the_place_in_the_group_tells_assigned_partitions_and_what_is_left_to_restore() -> None:
    app: Any = Application()
    assert group_state(app, TOPICS) == GroupState(has_recovered=True, records_to_restore=0, partitions=2)
    app.actives_ready, app.left = False, 12
    assert group_state(app, TOPICS) == GroupState(has_recovered=False, records_to_restore=12, partitions=2)
