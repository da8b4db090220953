"""Named queries on a real Druid, next to what Polars computes from the published messages."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from driver_score.local_stack.programs import REPOSITORY_DIR
from druid_specs.errors import DruidUnavailableError, QueryRefusedError
from druid_specs.named_queries import ParameterValue, named_query, query_names
from druid_specs.sql_connection import DruidConnection
from tests.support.servers.druid_fleet import DruidFleet
from tests.support.servers.running_worker import worker_environment

HOSTILE = (
    "' OR 1=1 --",
    "'; DROP TABLE x; --",
    '" OR ""="',
    "%",
    "*",
    ":client",
    "?",
    "\\' OR 1=1 --",
    "client_harbor'--",
)

DOCUMENTED = re.findall(r"```sql\n(.+?)```", (REPOSITORY_DIR / "docs" / "sql.md").read_text(), flags=re.DOTALL)

CLOSE = 0.051
"""Published numbers are rounded to a tenth."""


def ask(fleet: DruidFleet, name: str, **given: ParameterValue) -> list[dict[str, Any]]:
    with fleet.connection() as connection:
        result = named_query(name).run(connection, given, data_source_prefix=fleet.prefix)
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def weighted_mean() -> pl.Expr:
    scored = pl.col("score").is_not_null()
    return (pl.col("score") * pl.col("distance_km")).sum() / pl.col("distance_km").filter(scored).sum()


def per_100km() -> pl.Expr:
    known = pl.col("hard_event_count").is_not_null()
    return pl.col("hard_event_count").sum() * 100 / pl.col("distance_km").filter(known).sum()


def assert_rows(found: list[dict[str, Any]], expected: pl.DataFrame, *, close: float = CLOSE) -> None:
    """Hold the columns of `expected` against an answer, row by row."""
    assert len(found) == expected.height > 0
    for row, wanted in zip(found, expected.iter_rows(named=True), strict=True):
        for name, value in wanted.items():
            assert row[name] == (pytest.approx(value, abs=close) if isinstance(value, float) else value), (name, row)


def test_the_fleet_has_what_makes_counting_hard(druid_fleet: DruidFleet) -> None:
    scores = druid_fleet.frame("driver-scores").filter(kind="trip", final=True)
    trips = druid_fleet.final_trips().height
    assert scores.height > scores["score_id"].n_unique() > trips
    assert druid_fleet.final_trips("challenger").height > 0
    assert druid_fleet.final_trips().filter(pl.col("score_id").str.starts_with("again-")).height > 10


def test_fleet_overview_counts_each_trip_once_by_its_highest_revision(druid_fleet: DruidFleet) -> None:
    expected = (
        druid_fleet.final_trips()
        .group_by("client_id")
        .agg(
            trips=pl.len(),
            scored_trips=pl.col("score").count(),
            vehicles=pl.col("vehicle_id").n_unique(),
            drivers=pl.col("driver_id").n_unique(),
            distance_km=pl.col("distance_km").sum(),
            driving_hours=pl.col("duration_s").sum() / 3600,
            mean_score=weighted_mean(),
            high_risk_trips=(pl.col("band") == "high").sum(),
            high_risk_percent=(pl.col("band") == "high").sum() * 100 / pl.col("score").count(),
            hard_events_per_100km=per_100km(),
        )
        .sort("trips", "client_id", descending=[True, False])
    )
    assert_rows(ask(druid_fleet, "fleet-overview"), expected)


def test_fleet_overview_of_one_client_class_and_period(druid_fleet: DruidFleet) -> None:
    trips = druid_fleet.final_trips()
    client_id, vehicle_class = trips.group_by("client_id", "vehicle_class").len().sort("len").row(-1)[:2]
    since, until = datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 3, 14, tzinfo=UTC)
    at = pl.col("event_time").str.to_datetime(time_zone="UTC")
    chosen = trips.filter((pl.col("client_id") == client_id) & (pl.col("vehicle_class") == vehicle_class))
    chosen = chosen.filter((at >= since) & (at < until))
    assert 0 < chosen.height < trips.height
    found = ask(druid_fleet, "fleet-overview", client=client_id, vehicle_class=vehicle_class, since=since, until=until)
    assert [(row["client_id"], row["trips"]) for row in found] == [(client_id, chosen.height)]


def test_high_risk_trips_are_those_whose_newest_score_is(druid_fleet: DruidFleet) -> None:
    newest = (
        druid_fleet.frame("driver-scores")
        .filter(kind="trip", model_role="champion")
        .sort("revision")
        .unique(["vehicle_id", "trip_id"], keep="last")
    )
    columns = ["client_id", "driver_id", "vehicle_id", "trip_id", "revision", "score", "reason_1", "reason_1_impact"]
    expected = newest.filter(band="high").sort("score", "trip_id", "vehicle_id").select(columns)
    assert_rows(ask(druid_fleet, "high-risk-trips", limit=1000), expected)
    assert_rows(ask(druid_fleet, "high-risk-trips", limit=5), expected.head(5))


@pytest.mark.parametrize(
    ("name", "keys"),
    [("score-distribution-by-vehicle", ["client_id", "vehicle_id"]), ("score-distribution-by-client", ["client_id"])],
)
def test_score_distributions(druid_fleet: DruidFleet, name: str, keys: list[str]) -> None:
    scored = druid_fleet.final_trips().drop_nulls("score")
    expected = scored.group_by(keys).agg(
        scored_trips=pl.len(),
        mean_score=pl.col("score").mean(),
        **{f"{band}_risk_trips": (pl.col("band") == band).sum() for band in ("low", "moderate", "high")},
    )
    found = ask(druid_fleet, name, limit=1000)
    assert_rows(sorted(found, key=lambda row: [row[key] for key in keys]), expected.sort(keys))
    for row in found:
        of_group = scored.filter(*(pl.col(key) == row[key] for key in keys))["score"].sort()
        for column, share in (("p10", 0.1), ("p25", 0.25), ("median_score", 0.5), ("p75", 0.75), ("p90", 0.9)):
            # A quantile is one of the scores, and its rank is right to one trip (sketches: exact up to 128 values).
            assert row[column] in of_group.to_list()
            assert of_group.search_sorted(row[column], "left") - 1 <= share * len(of_group)
            assert of_group.search_sorted(row[column], "right") + 1 >= share * len(of_group)


def test_driver_ranking_leaves_out_who_drove_too_little(druid_fleet: DruidFleet) -> None:
    ranked = (
        druid_fleet.final_trips()
        .drop_nulls("score")
        .group_by("client_id", "driver_id")
        .agg(
            scored_trips=pl.len(),
            distance_km=pl.col("distance_km").sum(),
            mean_score=weighted_mean(),
            worst_score=pl.col("score").min(),
            high_risk_trips=(pl.col("band") == "high").sum(),
            hard_events_per_100km=per_100km(),
        )
    )
    min_km = ranked.select(pl.col("distance_km").median()).item()
    expected = ranked.filter(pl.col("distance_km") >= min_km).sort("mean_score", "driver_id")
    assert 0 < expected.height < ranked.height
    found = ask(druid_fleet, "driver-ranking", min_km=min_km, limit=1000)
    assert [row["mean_score"] for row in found] == sorted(row["mean_score"] for row in found)
    assert_rows(sorted(found, key=lambda row: row["driver_id"]), expected.sort("driver_id"))


def test_driver_trend_is_one_drivers_days(druid_fleet: DruidFleet) -> None:
    trips = druid_fleet.final_trips().drop_nulls("score")
    driver_id = trips.group_by("driver_id").len().sort("len", "driver_id").row(-1)[0]
    expected = (
        trips.filter(driver_id=driver_id)
        .group_by(trip_day=pl.col("event_time").str.slice(0, 10) + "T00:00:00.000Z")
        .agg(scored_trips=pl.len(), distance_km=pl.col("distance_km").sum(), mean_score=weighted_mean())
        .sort("trip_day")
    )
    assert_rows(ask(druid_fleet, "driver-trend", driver=driver_id), expected)


def test_reasons_breakdown_adds_up_the_three_reasons_of_each_trip(druid_fleet: DruidFleet) -> None:
    trips = druid_fleet.final_trips().drop_nulls("score")
    reasons = pl.concat(
        trips.select(reason=f"reason_{place}", impact=f"reason_{place}_impact") for place in (1, 2, 3)
    ).drop_nulls("reason")
    expected = reasons.group_by("reason").agg(
        trips=pl.len(), trips_lowered=(pl.col("impact") < 0).sum(), mean_impact=pl.col("impact").mean()
    )
    found = ask(druid_fleet, "reasons-breakdown")
    assert_rows(sorted(found, key=lambda row: row["reason"]), expected.sort("reason"))


def test_scores_by_model_keeps_roles_apart(druid_fleet: DruidFleet) -> None:
    trips = pl.concat(druid_fleet.final_trips(role) for role in ("champion", "challenger"))
    expected = (
        trips.group_by("model_name", "model_version", "model_role")
        .agg(trips=pl.len(), mean_score=pl.col("score").mean(), mean_risk=pl.col("risk").mean())
        .sort("model_name", "model_version", "model_role")
    )
    assert expected.height == 2
    assert_rows(ask(druid_fleet, "scores-by-model"), expected)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_parameter_stays_a_value(druid_fleet: DruidFleet, text: str) -> None:
    assert ask(druid_fleet, "fleet-overview", client=text) == []
    assert ask(druid_fleet, "driver-trend", driver=text) == []
    assert ask(druid_fleet, "fleet-overview") != []


def test_a_period_without_trips_gives_no_rows_but_columns(druid_fleet: DruidFleet) -> None:
    with druid_fleet.connection() as connection:
        for name in query_names():
            given: dict[str, ParameterValue] = {"until": datetime(2001, 1, 1, tzinfo=UTC)}
            given |= {"driver": "drv_0001"} if name == "driver-trend" else {}
            result = named_query(name).run(connection, given, data_source_prefix=druid_fleet.prefix)
            assert result.rows == []
            assert len(result.columns) > 4


def test_a_refused_query_and_a_missing_druid_are_one_line(druid_fleet: DruidFleet) -> None:
    with druid_fleet.connection() as connection, pytest.raises(QueryRefusedError, match=r"^[^\n]*'nowhere' not found"):
        connection.query('SELECT 1 FROM "nowhere"')
    with DruidConnection("http://127.0.0.1:1") as connection, pytest.raises(DruidUnavailableError, match=r"^[^\n]*$"):
        connection.query("SELECT 1")


@pytest.mark.parametrize("statement", DOCUMENTED, ids=lambda each: each.split("\n")[0][:40])
def test_sql_of_the_guide_runs_as_it_stands(druid_fleet: DruidFleet, statement: str) -> None:
    with druid_fleet.connection() as connection:
        result = connection.query(statement.replace('FROM "', f'FROM "{druid_fleet.prefix}'))
    is_of_another_trip = "trip_id = '" in statement
    assert result.rows or is_of_another_trip


@pytest.mark.e2e
def test_the_command_writes_tables_csv_and_json(druid_fleet: DruidFleet) -> None:
    expected = ask(druid_fleet, "driver-ranking", min_km=1)

    def run(*arguments: str) -> str:
        command = [
            sys.executable,
            "-m",
            "driver_score",
            "druid",
            "query",
            "driver-ranking",
            "--min-km",
            "1",
            *arguments,
        ]
        environment = worker_environment("127.0.0.1:1", "", druid__url=druid_fleet.url) | {
            "DRIVER_SCORE_DRUID__DATA_SOURCE_PREFIX": druid_fleet.prefix
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert json.loads(run("--format", "json")) == expected
    assert run("--format", "csv").splitlines()[0] == ",".join(expected[0])
    assert all(row["driver_id"] in run("--format", "table") for row in expected[:3])
