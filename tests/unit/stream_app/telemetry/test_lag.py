"""Lag and standstill of commits, as Prometheus sees them."""

from dataclasses import dataclass, field

from stream_app.telemetry.lag import LagCollector, Position, TopicPartition

ONE, TWO = TopicPartition("trip-events", 0), TopicPartition("trip-events", 1)


@dataclass
class Timeline:
    """A worker's partitions, whose positions tests set."""

    now_s: float = 0.0
    positions: dict[TopicPartition, Position] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.collector = LagCollector(lambda: self.positions, lambda: self.now_s)

    def at(self, now_s: float, **offsets: tuple[int, int]) -> dict[str, tuple[float, float]]:
        """Scrape when partitions `one` and `two` are at these committed and end offsets; return lag and stalled."""
        self.now_s = now_s
        self.positions = {{"one": ONE, "two": TWO}[name]: Position(*position) for name, position in offsets.items()}
        lag, stalled = (
            {sample.labels["partition"]: sample.value for sample in metric.samples}
            for metric in self.collector.collect()
        )
        names = {"0": "one", "1": "two"}
        return {names[number]: (lag[number], stalled[number]) for number in lag}


def test_lag_is_what_a_restart_would_read() -> None:
    assert Timeline().at(0, one=(40, 100), two=(7, 7)) == {"one": (60, 0), "two": (0, 0)}


def test_a_partition_stalls_while_it_has_lag_and_its_commits_stand_still() -> None:
    timeline = Timeline()
    timeline.at(0, one=(40, 100))
    assert timeline.at(30, one=(40, 250)) == {"one": (210, 30)}
    assert timeline.at(60, one=(41, 300)) == {"one": (259, 0)}, "one step forward ends it"
    assert timeline.at(70, one=(41, 300)) == {"one": (259, 10)}


def test_a_partition_without_lag_never_stalls_however_long_it_is_silent() -> None:
    timeline = Timeline()
    timeline.at(0, one=(100, 100))
    assert timeline.at(9000, one=(100, 100)) == {"one": (0, 0)}
    assert timeline.at(9015, one=(100, 101)) == {"one": (1, 15)}, "counted from when it last had no lag"


def test_a_revoked_partition_is_no_longer_reported_and_starts_from_zero_when_it_is_assigned_again() -> None:
    timeline = Timeline()
    timeline.at(0, one=(40, 100), two=(1, 9))
    assert set(timeline.at(30, two=(1, 9))) == {"two"}
    assert timeline.at(60, one=(40, 100), two=(1, 9)) == {"one": (60, 0), "two": (8, 60)}


def test_an_end_that_is_not_yet_known_to_be_past_the_commit_is_no_negative_lag() -> None:
    assert Timeline().at(0, one=(100, 98)) == {"one": (0, 0)}


def test_a_partition_is_not_read_while_there_are_records_beyond_what_was_read_last() -> None:
    timeline = Timeline()

    def unread_s(now_s: float, read: int | None, end: int) -> float:
        timeline.now_s, timeline.positions = now_s, {ONE: Position(0, end, read)}
        return timeline.collector.snapshot()[ONE].unread_s

    assert unread_s(0, 100, 100) == 0
    assert unread_s(50, 100, 100) == 0, "all is read, though nothing is committed"
    assert unread_s(60, 100, 130) == 10
    assert unread_s(90, 100, 170) == 40
    assert unread_s(100, 101, 170) == 0, "one step forward ends it"
    assert unread_s(900, None, 170) == 0, "nothing is known of it"
