"""When a worker is alive, and when it is ready."""

from dataclasses import dataclass, field

from stream_app.telemetry.health import GroupState, WorkerHealth
from stream_app.telemetry.lag import Position, Progress, TopicPartition

STALLED_AFTER_S = 300.0
AT_WORK = GroupState(has_recovered=True, records_to_restore=0)
EVENTS = TopicPartition("trip-events", 3)


@dataclass
class Observed:
    """A worker, by its heartbeats and its progress."""

    now_s: float = 1000.0
    progress: dict[TopicPartition, Progress] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.health = WorkerHealth(STALLED_AFTER_S, lambda: self.now_s)
        self.health.watch(lambda: self.progress)

    def after(self, seconds: float, group: GroupState | None = None, stalled_s: float = 0.0, lag: int = 40) -> None:
        """Let time pass; without a group, there is no new heartbeat."""
        self.now_s += seconds
        self.progress = {EVENTS: Progress(Position(10, 10 + lag), stalled_s)}
        if group is not None:
            self.health.heartbeat(group)


def at_work() -> Observed:
    worker = Observed()
    worker.after(1, AT_WORK)
    worker.health.broker_answered(True)
    assert worker.health.live_problems() == worker.health.ready_problems() == []
    return worker


def restoring(records: int) -> GroupState:
    return GroupState(has_recovered=False, records_to_restore=records)


def test_a_worker_that_starts_is_alive_and_not_ready_however_long_it_takes() -> None:
    worker = Observed()
    worker.after(3600)
    assert worker.health.live_problems() == []
    assert worker.health.ready_problems() == ["starting"]


def test_a_partition_that_stands_still_with_records_to_read_is_no_life() -> None:
    worker = at_work()
    worker.after(STALLED_AFTER_S, AT_WORK, stalled_s=STALLED_AFTER_S)
    assert worker.health.live_problems() == [], "not yet"
    worker.after(1, AT_WORK, stalled_s=STALLED_AFTER_S + 1)
    expected = ["trip-events 3: nothing committed for 301 s, with 40 records to read"]
    assert worker.health.live_problems() == worker.health.ready_problems() == expected


def test_an_event_loop_that_hangs_is_no_life_though_nothing_is_known_of_lag() -> None:
    worker = at_work()
    worker.after(STALLED_AFTER_S + 1)
    assert worker.health.live_problems() == ["no heartbeat of the event loop for 301 s"]
    worker.after(1, AT_WORK)
    assert worker.health.live_problems() == []


def test_restoring_is_progress_as_long_as_it_goes_on() -> None:
    worker = at_work()
    for left in (900, 600, 300):
        worker.after(200, restoring(left), stalled_s=1000.0)
        assert worker.health.live_problems() == []
        assert worker.health.ready_problems() == [f"restoring states, {left} records left"]
    worker.after(STALLED_AFTER_S + 1, restoring(300), stalled_s=1300.0)
    assert len(worker.health.live_problems()) == 1


def test_work_after_a_recovery_has_the_whole_time_for_its_first_commit() -> None:
    worker = at_work()
    worker.after(1, restoring(5), stalled_s=STALLED_AFTER_S)
    worker.after(1, AT_WORK, stalled_s=STALLED_AFTER_S + 1)
    assert worker.health.live_problems() == []
    worker.after(STALLED_AFTER_S + 1, AT_WORK, stalled_s=2 * STALLED_AFTER_S)
    assert len(worker.health.live_problems()) == 1


def test_a_worker_is_not_ready_during_a_rebalance() -> None:
    worker = at_work()
    worker.after(1, restoring(0))
    assert worker.health.ready_problems() == ["waiting for partitions"]
    worker.after(1, AT_WORK)
    assert worker.health.ready_problems() == []


def test_a_worker_without_a_broker_is_alive_and_not_ready() -> None:
    worker = at_work()
    worker.health.broker_answered(False)
    assert worker.health.ready_problems() == ["no broker answers"]
    assert worker.health.live_problems() == []


def test_a_worker_that_got_no_partition_is_ready_to_take_over() -> None:
    worker = at_work()
    worker.progress = {}
    worker.now_s += 1
    worker.health.heartbeat(AT_WORK)
    assert worker.health.live_problems() == worker.health.ready_problems() == []


def test_a_worker_that_stops_is_alive_and_not_ready() -> None:
    worker = at_work()
    worker.health.is_stopping = True
    assert worker.health.live_problems() == []
    assert worker.health.ready_problems() == ["stopping"]
