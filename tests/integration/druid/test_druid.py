"""One fleet through worker, Kafka and Druid, with Druid stopped meanwhile, and what was observed."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from driver_score.cli.main import app
from driver_score.replay import append_trip_ends, event_messages, plan_sending, replay
from druid_specs.specs.columns import TIME_COLUMN, time_columns
from druid_specs.specs.files import write_specs
from schemas.columns import OUTPUT_COLUMNS, OUTPUT_MESSAGES
from scoring.features.batch import trip_features
from tests.integration.conftest import SETTINGS, has_all_events, some_trips
from tests.support.servers.brokers import create_topics, kafka_at, wait_until
from tests.support.servers.druid_servers import RunningDruid
from tests.support.servers.running_worker import PARTITIONS, Topics, last_finals, running_worker

pytestmark = [pytest.mark.integration, pytest.mark.restarts_druid]

PREFIX = f"druid-run-{uuid.uuid4().hex[:8]}-"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PARTS_OF_A_DATA_SOURCE = {"supervisor", "retention", "compaction"}
DATA_SOURCES = {PREFIX + name for name in (*OUTPUT_COLUMNS, "fleet-hourly")}


@dataclass
class DruidRun:
    """What was observed, in this order."""

    druid: RunningDruid
    dry_run: list[dict[str, Any]] = field(default_factory=list)
    after_dry_run: list[dict[str, Any]] = field(default_factory=list)
    applied: list[dict[str, Any]] = field(default_factory=list)
    applied_again: list[dict[str, Any]] = field(default_factory=list)
    scores_before_the_stop: int = 0
    scores_while_stopped: int = 0
    status_while_stopped: Result | None = None
    published: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    status: list[dict[str, Any]] = field(default_factory=list)
    planned_task_count: list[dict[str, Any]] = field(default_factory=list)


def command(druid: RunningDruid, *arguments: str, **variables: str) -> Result:
    """Run ``driver-score druid`` in this process."""
    settings = {
        "KAFKA__BOOTSTRAP": druid.bootstrap,
        "KAFKA__TOPIC_PREFIX": PREFIX,
        "DRUID__URL": druid.url,
        "DRUID__KAFKA_BOOTSTRAP": druid.kafka_bootstrap,
        "DRUID__DATA_SOURCE_PREFIX": PREFIX,
        **variables,
    }
    environment = {f"DRIVER_SCORE_{name}": setting for name, setting in settings.items()}
    return CliRunner().invoke(app, ["druid", *arguments], env=environment)


def apply(druid: RunningDruid, *arguments: str, **variables: str) -> list[dict[str, Any]]:
    ran = command(druid, "apply", "--json", *arguments, **variables)
    assert ran.exit_code == 0, ran.output
    changes: list[dict[str, Any]] = json.loads(ran.stdout)
    return changes


@pytest.fixture(scope="module")
def run(druid: RunningDruid) -> Iterator[DruidRun]:
    run = DruidRun(druid)
    create_topics(druid.bootstrap, PREFIX, PARTITIONS)
    topics = Topics(druid.bootstrap, PREFIX)
    run.dry_run = apply(druid, "--dry-run")
    run.after_dry_run = apply(druid, "--dry-run")
    run.applied = apply(druid)
    run.applied_again = apply(druid)
    run.planned_task_count = apply(druid, "--dry-run", DRUID__TASK_COUNT="2")

    events = append_trip_ends(some_trips(8, skip=300))
    plan = plan_sending(events)
    half = len(plan) // 2
    with running_worker(druid.bootstrap, PREFIX, **SETTINGS) as worker:

        def send(part: pl.DataFrame) -> None:
            replay(event_messages(part), kafka=kafka_at(druid.bootstrap), topic=f"{PREFIX}trip-events")
            topics.wait_until_committed()

        send(plan.slice(0, half))
        druid.wait_for_rows(f"{PREFIX}driver-scores", len(topics.everything("driver-scores")))
        rows = druid.stop()
        run.scores_before_the_stop = len(topics.everything("driver-scores"))
        send(plan.slice(half))
        expected = trip_features(events)
        topics.wait_for("driver-scores", lambda scores: has_all_events(scores, expected))
        run.scores_while_stopped = len(topics.everything("driver-scores")) - run.scores_before_the_stop
        run.status_while_stopped = command(druid, "status")
        topics.wait_until_committed("driver-scores-by-driver")
        worker.stop()
    druid.start(rows)
    for topic in OUTPUT_MESSAGES:
        run.published[topic] = [json.loads(message.value() or b"") for message in topics.everything(topic)]
        druid.wait_for_rows(PREFIX + topic, len(run.published[topic]))
    finals = sum(is_final(score) for score in run.published["driver-scores"])
    wait_for_roll_up(druid, finals)
    run.status = json.loads(command(druid, "status", "--json").stdout)
    yield run
    druid.end_supervisors(PREFIX)
    topics.close()


def is_final(score: dict[str, Any]) -> bool:
    return score["kind"] == "trip" and bool(score["final"])


def wait_for_roll_up(druid: RunningDruid, finals: int) -> None:
    def trips() -> int:
        if not druid.rows(f"{PREFIX}fleet-hourly"):
            return 0
        (row,) = druid.sql(f'SELECT SUM("trip_count") AS "trips" FROM "{PREFIX}fleet-hourly"')
        return int(row["trips"] or 0)

    wait_until(lambda: trips() >= finals, "the roll-up of all trips")


def test_a_dry_run_tells_all_and_changes_nothing(run: DruidRun) -> None:
    planned = {(change["data_source"], change["part"]) for change in run.dry_run}
    assert planned == {(name, part) for name in DATA_SOURCES for part in PARTS_OF_A_DATA_SOURCE}
    assert all(change["is_new"] for change in run.dry_run)
    assert run.after_dry_run == run.dry_run
    assert run.applied == run.dry_run


def test_applying_again_changes_nothing(run: DruidRun) -> None:
    assert run.applied_again == []


def test_a_change_is_reported_in_its_own_words(run: DruidRun) -> None:
    assert {change["data_source"] for change in run.planned_task_count} == DATA_SOURCES
    assert {change["part"] for change in run.planned_task_count} == {"supervisor"}
    assert all(change["details"] == ["spec.ioConfig.taskCount: 1 → 2"] for change in run.planned_task_count)


def test_scoring_goes_on_while_druid_is_down(run: DruidRun) -> None:
    assert run.scores_before_the_stop > 0
    assert run.scores_while_stopped > 0


def test_the_status_without_druid_names_its_address(run: DruidRun) -> None:
    assert run.status_while_stopped is not None
    assert f"no Druid answers at {run.druid.url}" in str(run.status_while_stopped.exception)


@pytest.mark.parametrize("topic", OUTPUT_MESSAGES)
def test_druid_has_exactly_what_was_published_also_after_a_restart(run: DruidRun, topic: str) -> None:
    times = time_columns(OUTPUT_MESSAGES[topic])

    def as_row(message: dict[str, Any]) -> tuple[object, ...]:
        return tuple(comparable(message[name], is_time=name in {*times, TIME_COLUMN}) for name in OUTPUT_COLUMNS[topic])

    def as_published(row: dict[str, Any]) -> tuple[object, ...]:
        named = {**row, TIME_COLUMN: row["__time"]}
        return tuple(comparable(named[name], is_time=name == TIME_COLUMN) for name in OUTPUT_COLUMNS[topic])

    published = sorted((as_row(message) for message in run.published[topic]), key=repr)
    found = sorted((as_published(row) for row in run.druid.sql(f'SELECT * FROM "{PREFIX}{topic}"')), key=repr)
    assert len(published) > 0, "an empty topic shows nothing"
    assert found == published


def comparable(value: Any, *, is_time: bool) -> object:
    """Bring a value of a message and of Druid to the same form: times are integer milliseconds, true is 1."""
    if is_time and isinstance(value, str):
        return (datetime.fromisoformat(value) - EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, bool):
        return int(value)
    return value


def test_the_roll_up_adds_up_to_the_final_trip_scores(run: DruidRun) -> None:
    finals = [score for score in run.published["driver-scores"] if is_final(score)]
    scored = [score for score in finals if score["score"] is not None]
    (found,) = run.druid.sql(
        'SELECT SUM("trip_count") AS "trip_count", SUM("distance_km_sum") AS "km", SUM("score_sum") AS "score_sum", '
        'SUM("scored_distance_km_sum") AS "scored_km", SUM("hard_event_count_sum") AS "hard_events", '
        'HLL_SKETCH_ESTIMATE(DS_HLL("trips")) AS "trips", APPROX_QUANTILE_DS("score_sketch", 0.5) AS "median", '
        f'SUM("score_by_distance_sum") AS "by_distance" FROM "{PREFIX}fleet-hourly"'
    )
    assert found["trip_count"] == len(finals)
    assert found["km"] == pytest.approx(sum(score["distance_km"] or 0 for score in finals))
    assert found["score_sum"] == pytest.approx(sum(score["score"] for score in scored))
    assert found["scored_km"] == pytest.approx(sum(score["distance_km"] for score in scored))
    assert found["by_distance"] == pytest.approx(sum(score["score"] * score["distance_km"] for score in scored))
    assert found["hard_events"] == sum(score["hard_event_count"] or 0 for score in finals)
    assert found["trips"] == pytest.approx(len(last_finals(finals)), rel=0.05)
    ordered = sorted(score["score"] for score in scored)
    middle = len(ordered) // 2
    assert ordered[middle - 2] <= found["median"] <= ordered[middle + 2]


def test_the_status_compares_rows_with_the_end_offsets(run: DruidRun) -> None:
    status = {one["data_source"].removeprefix(PREFIX): one for one in run.status}
    assert set(status) == {*OUTPUT_COLUMNS, "fleet-hourly"}
    for topic, messages in run.published.items():
        assert status[topic]["published"] == len(messages)
        assert status[topic]["rows"] == len(messages)
        assert status[topic]["behind"] == 0
        assert status[topic]["unparseable"] == 0
        assert status[topic]["is_healthy"]
    assert status["fleet-hourly"]["behind"] is None
    assert status["fleet-hourly"]["published"] == len(run.published["driver-scores"])


def test_apply_of_a_mismatched_spec_leaves_druid_as_it_is(run: DruidRun, tmp_path: Path) -> None:
    write_specs(tmp_path)
    path = tmp_path / "supervisors" / "driver-scores.json"
    path.write_text(path.read_text().replace('"speed_volatility"', '"speed_volatiliti"'))

    refused = command(run.druid, "apply", DRUID__SPECS_DIR=str(tmp_path))

    assert "column 'speed_volatility'" in str(refused.exception)
    assert apply(run.druid, "--dry-run") == [], "and so did its restart"
