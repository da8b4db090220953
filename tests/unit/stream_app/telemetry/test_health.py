"""When a worker is alive, and when it is ready; and what it tells besides."""

from dataclasses import dataclass, field

import pytest

from stream_app.telemetry.health import (
    MEANINGS,
    NOT_READING_AFTER_S,
    Effect,
    GroupState,
    HealthCode,
    HealthCollector,
    WorkerHealth,
)
from stream_app.telemetry.lag import Position, Progress, TopicPartition
from stream_app.telemetry.trends import CALM_S

STALLED_AFTER_S = 300.0
AT_WORK = GroupState(has_recovered=True, records_to_restore=0, partitions=2)
EVENTS = TopicPartition("trip-events", 3)


@dataclass
class Observed:
    """A worker, by its heartbeats and its progress."""

    now_s: float = 1000.0
    progress: dict[TopicPartition, Progress] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.health = WorkerHealth(STALLED_AFTER_S, lambda: self.now_s)
        self.health.watch(lambda: self.progress)

    def after(
        self,
        seconds: float,
        group: GroupState | None = None,
        stalled_s: float = 0.0,
        unread_s: float = 0.0,
        lag: int = 40,
        unread: int = 0,
    ) -> None:
        """Let time pass; without a group, there is no new heartbeat."""
        self.now_s += seconds
        self.progress = {EVENTS: Progress(Position(10, 10 + lag, 10 + lag - unread), stalled_s, unread_s)}
        if group is not None:
            self.health.heartbeat(group)

    @property
    def live(self) -> list[HealthCode]:
        report = self.health.live()
        assert report.ok == (not report.reasons)
        return [reason.code for reason in report.reasons]

    @property
    def ready(self) -> list[HealthCode]:
        """The codes of all reasons, after a check that notes alone leave the worker ready."""
        report = self.health.ready()
        assert report.ok == all(reason.effect is Effect.NOTE for reason in report.reasons)
        return [reason.code for reason in report.reasons]

    def told(self, code: HealthCode) -> dict[str, object]:
        (reason,) = [reason for reason in self.health.ready().reasons if reason.code is code]
        return reason.as_json()


def at_work() -> Observed:
    worker = Observed()
    worker.after(1, AT_WORK)
    worker.health.broker_answered(True)
    assert worker.live == worker.ready == []
    return worker


def restoring(records: int) -> GroupState:
    return GroupState(has_recovered=False, records_to_restore=records, partitions=2)


def test_a_worker_that_starts_is_alive_and_not_ready_however_long_it_takes() -> None:
    worker = Observed()
    worker.after(3600)
    assert worker.live == []
    assert worker.ready == [HealthCode.STARTING]
    assert worker.told(HealthCode.STARTING)["seconds"] == 3600


def test_a_partition_that_stands_still_with_records_to_process_is_no_life() -> None:
    worker = at_work()
    worker.after(STALLED_AFTER_S, AT_WORK, stalled_s=STALLED_AFTER_S)
    assert worker.live == [], "not yet"
    worker.after(1, AT_WORK, stalled_s=STALLED_AFTER_S + 1)
    assert worker.live == worker.ready == [HealthCode.STALLED]
    assert worker.told(HealthCode.STALLED) == {
        "code": "stalled",
        "message": "nothing committed for 301 s, with 40 records to process",
        "effect": "not live",
        "topic": "trip-events",
        "partition": 3,
        "records": 40,
        "seconds": 301,
    }


def test_records_that_are_not_read_make_a_worker_not_ready_long_before_it_is_not_alive() -> None:
    worker = at_work()
    worker.after(NOT_READING_AFTER_S, AT_WORK, unread_s=NOT_READING_AFTER_S, unread=7)
    assert worker.ready == [], "not yet"
    worker.after(1, AT_WORK, unread_s=NOT_READING_AFTER_S + 1, unread=7)
    assert worker.ready == [HealthCode.NOT_READING]
    assert worker.live == []
    told = worker.told(HealthCode.NOT_READING)
    assert (told["topic"], told["partition"], told["records"], told["seconds"]) == ("trip-events", 3, 7, 61)


@pytest.mark.parametrize("cause", ["no broker", "rebalance"])
def test_that_nothing_is_read_is_not_told_where_its_cause_is(cause: str) -> None:
    worker = at_work()
    group = AT_WORK if cause == "no broker" else restoring(0)
    worker.health.broker_answered(cause != "no broker")
    worker.after(1, group, unread_s=200, unread=7)
    worker.after(200, group, unread_s=400, unread=7)
    assert worker.ready == [HealthCode.NO_BROKER if cause == "no broker" else HealthCode.WAITING_FOR_PARTITIONS]


def test_an_event_loop_that_hangs_is_no_life_though_nothing_is_known_of_lag() -> None:
    worker = at_work()
    worker.after(STALLED_AFTER_S + 1)
    assert worker.live == [HealthCode.EVENT_LOOP_STUCK]
    assert worker.told(HealthCode.EVENT_LOOP_STUCK)["seconds"] == 301
    worker.after(1, AT_WORK)
    assert worker.live == []


def test_restoring_is_progress_as_long_as_it_goes_on_and_tells_how_fast_it_is() -> None:
    worker = at_work()
    for left, rate in ((900, 0), (600, 1.5), (200, 1.75)):
        worker.after(200, restoring(left), stalled_s=1000.0)
        assert worker.live == []
        assert worker.ready == [HealthCode.RESTORING]
        told = worker.told(HealthCode.RESTORING)
        assert (told["records_left"], told["records_per_s"]) == (left, round(rate))
    assert told["seconds"] == 400, "since the rebalance began"
    worker.after(STALLED_AFTER_S + 1, restoring(200), stalled_s=1300.0)
    assert worker.live == [HealthCode.STALLED]


def test_the_rate_of_a_restore_is_that_of_the_last_one() -> None:
    worker = at_work()
    worker.after(100, restoring(1000))
    worker.after(100, restoring(900))
    worker.after(100, restoring(5000))  # another rebalance
    worker.after(100, restoring(1000))
    assert worker.told(HealthCode.RESTORING)["records_per_s"] == 40


def test_work_after_a_recovery_has_the_whole_time_for_its_first_commit() -> None:
    worker = at_work()
    worker.after(1, restoring(5), stalled_s=STALLED_AFTER_S)
    worker.after(1, AT_WORK, stalled_s=STALLED_AFTER_S + 1)
    assert worker.live == []
    worker.after(STALLED_AFTER_S + 1, AT_WORK, stalled_s=2 * STALLED_AFTER_S)
    assert worker.live == [HealthCode.STALLED]


def test_a_worker_is_not_ready_during_a_rebalance_and_tells_for_how_long() -> None:
    worker = at_work()
    worker.after(1, restoring(0))
    worker.after(30, restoring(0))
    assert worker.ready == [HealthCode.WAITING_FOR_PARTITIONS]
    assert worker.told(HealthCode.WAITING_FOR_PARTITIONS)["seconds"] == 30
    worker.after(1, AT_WORK)
    assert worker.ready == []


def test_a_worker_without_a_broker_is_alive_and_not_ready_and_tells_for_how_long() -> None:
    worker = at_work()
    worker.now_s += 10
    worker.health.broker_answered(False)
    worker.now_s += 5
    worker.health.broker_answered(False)
    assert worker.ready == [HealthCode.NO_BROKER]
    assert worker.told(HealthCode.NO_BROKER)["seconds"] == 5
    assert worker.live == []


def test_a_worker_that_got_no_partition_is_ready_to_be_assigned_some_and_tells_so() -> None:
    worker = at_work()
    worker.progress = {}
    worker.health.heartbeat(GroupState(has_recovered=True, records_to_restore=0, partitions=0))
    assert worker.live == []
    assert worker.ready == [HealthCode.NO_PARTITION]
    assert worker.health.ready().ok


def test_a_worker_that_stops_is_alive_and_not_ready() -> None:
    worker = at_work()
    worker.health.is_stopping = True
    assert worker.live == []
    assert worker.ready == [HealthCode.STOPPING]


def test_a_counter_that_rises_is_told_with_its_rise_until_it_was_calm_for_long() -> None:
    worker, counted = at_work(), [70.0]
    worker.health.watch_counter(HealthCode.REPLAYING, "events are read again", "events", lambda: counted[-1])
    worker.after(1, AT_WORK)
    assert worker.ready == [], "what was counted before is not news"
    for count in (80.0, 95.0):
        counted.append(count)
        worker.after(CALM_S, AT_WORK)
        assert worker.ready == [HealthCode.REPLAYING]
    assert worker.told(HealthCode.REPLAYING)["events"] == 25
    worker.after(CALM_S + 1, AT_WORK)
    assert worker.ready == []
    assert worker.health.ready().ok


def test_what_is_reported_of_a_partition_replaces_what_was_and_can_be_cleared_alone_or_altogether() -> None:
    worker, code = at_work(), HealthCode.CLOSING_SILENT_PARTITION
    for partition, left in ((3, 70), (5, 10), (3, 20)):
        worker.health.report(code, "closing open trips", partition=partition, trips_left=left)
    told = [reason.as_json() for reason in worker.health.ready().reasons]
    assert [(one["partition"], one["trips_left"]) for one in told] == [(3, 20), (5, 10)]
    assert worker.health.ready().ok, "the worker scores meanwhile"
    worker.health.clear(code, partition=3)
    worker.health.clear(code, partition=3)
    assert worker.told(code)["partition"] == 5
    worker.health.report(HealthCode.SOURCE_CHANGED, "trip-events was created again", topic="trip-events")
    worker.health.clear(code)
    assert worker.ready == [HealthCode.SOURCE_CHANGED]


def test_the_worst_reason_comes_first() -> None:
    worker = at_work()
    worker.health.report(HealthCode.SOURCE_CHANGED, "trip-events was created again", topic="trip-events")
    worker.health.is_stopping = True
    worker.after(STALLED_AFTER_S + 1, AT_WORK, stalled_s=STALLED_AFTER_S + 1)
    assert worker.ready == [HealthCode.STALLED, HealthCode.STOPPING, HealthCode.SOURCE_CHANGED]


def test_each_code_is_a_series_that_is_0_from_the_start_and_1_while_it_is_a_reason() -> None:
    worker = Observed()
    collector = HealthCollector(worker.health.reasons)

    def series() -> dict[str, float]:
        (gauge,) = collector.collect()
        assert gauge.name == "driver_score_worker_health_reason"
        return {sample.labels["code"]: sample.value for sample in gauge.samples}

    assert series() == {code.value: float(code is HealthCode.STARTING) for code in HealthCode}
    worker.after(1, AT_WORK)
    worker.health.broker_answered(True)
    assert set(series().values()) == {0.0}
    worker.health.is_stopping = True
    assert series()["stopping"] == 1


def test_each_code_has_a_meaning() -> None:
    assert list(MEANINGS) == list(HealthCode)
