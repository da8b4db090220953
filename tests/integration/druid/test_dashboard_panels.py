"""Every query of every panel and variable, with variables filled in as Grafana does, on real servers."""

import json
import re
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
import requests

from grafana.boards import DASHBOARDS
from grafana.boards.model import FEATURE
from grafana.datasources import ALL, DruidSql, DruidVariable, PromQl
from grafana.model import Dashboard, Panel
from grafana.variables import RESOLUTION
from tests.support.checks.grafana_plugin import decoding_problems
from tests.support.servers.druid_fleet import DruidFleet

FROM_MS, TO_MS = 1_772_000_000_000, 1_775_000_000_000
"""March 2026, when the simulated fleet drives."""

MAY_BE_EMPTY = {"Of these in progress"}
"""Every trip of the replay has ended."""

CASES = [
    pytest.param(panel.title, target, id=f"{dashboard.uid}-{panel.title}-{number}")
    for dashboard in DASHBOARDS
    for panel in dashboard.panels()
    for number, target in enumerate(panel.targets)
    if isinstance(target, DruidSql)
]

CHOICES = [
    pytest.param(variable, id=f"{dashboard.uid}-{variable.name}")
    for dashboard in DASHBOARDS
    for variable in dashboard.variables
    if isinstance(variable, DruidVariable)
]


VARIABLE_CASES = [pytest.param("", *each.values, id=each.id) for each in CHOICES]


@pytest.fixture(scope="module")
def chosen(druid_fleet: DruidFleet) -> dict[str, list[str]]:
    """Choose a driver and a trip that there are; all of everything else."""
    worst = druid_fleet.final_trips().filter(band="high").sort("score", "trip_id").row(0, named=True)
    everything = [f"'{ALL}'"]
    names = ("client", "vehicle", "vehicle_class", "model_version")
    return dict.fromkeys(names, everything) | {
        "driver": [worst["driver_id"]],
        "trip": [worst["trip_id"]],
        "trip_vehicle": [worst["vehicle_id"]],
    }


def filled_in(sql: str, values: dict[str, list[str]], feature: str = "avg_speed", resolution: str = "PT1H") -> str:
    """Put values into a query as Grafana does: a variable's own "all" value is written as it stands."""

    def fill(match: re.Match[str]) -> str:
        name, form = match[1], match[2]
        plain = {"__from": str(FROM_MS), "__to": str(TO_MS), "feature": feature}
        if name in plain:
            return plain[name]
        assert form == "sqlstring"
        chosen_values = {**values, "resolution": [resolution]}[name]
        if chosen_values == [f"'{ALL}'"]:
            return chosen_values[0]
        return ",".join("'" + value.replace("'", "''") + "'" for value in chosen_values)

    return re.sub(r"\$\{(\w+)(?::(\w+))?\}", fill, sql)


def run_sql(url: str, prefix: str, target: DruidSql | DruidVariable, sql: str) -> tuple[list[str], list[list[Any]]]:
    """Send a query as the plugin does; return columns and rows."""
    written = target.to_json("A") if isinstance(target, DruidSql) else target.to_json()["query"]
    asked = json.loads(written["expr"])
    context = {each["name"]: each["value"] for each in asked["settings"]["contextParameters"]}
    payload = {
        "query": re.sub(r'FROM "', f'FROM "{prefix}', sql),
        "context": context,
        "resultFormat": "array",
        "header": True,
    }
    answer = requests.post(f"{url}/druid/v2/sql", json=payload, timeout=60)
    assert answer.ok, f"{answer.text}\n{sql}"
    columns, *rows = answer.json()
    return columns, rows


@pytest.mark.parametrize(("title", "target"), CASES)
def test_a_druid_panel_has_rows_that_the_plugin_reads_right(
    druid_fleet: DruidFleet, chosen: dict[str, list[str]], title: str, target: DruidSql
) -> None:
    columns, rows = run_sql(druid_fleet.url, druid_fleet.prefix, target, filled_in(target.sql, chosen))
    assert rows or title in MAY_BE_EMPTY
    assert decoding_problems(columns, rows) == []
    if columns[0] == "__time" and "LIMIT" not in target.sql:
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)


@pytest.mark.parametrize(
    ("title", "target"), [*CASES, *(pytest.param("", *each.values, id=each.id) for each in CHOICES)]
)
def test_on_an_empty_druid_there_is_no_data_and_no_error(
    druid_fleet: DruidFleet, chosen: dict[str, list[str]], title: str, target: DruidSql | DruidVariable
) -> None:
    _, rows = run_sql(druid_fleet.url, druid_fleet.empty_prefix, target, filled_in(target.sql, chosen))
    assert rows == [], title


@pytest.mark.parametrize("variable", CHOICES)
def test_a_variable_offers_what_there_is(
    druid_fleet: DruidFleet, chosen: dict[str, list[str]], variable: DruidVariable
) -> None:
    columns, rows = run_sql(druid_fleet.url, druid_fleet.prefix, variable, filled_in(variable.sql, chosen))
    column = {"model_version": "model_version"}.get(variable.name, f"{variable.name}_id")
    published = druid_fleet.frame("driver-scores")[column].drop_nulls().unique().sort().to_list()
    assert len(columns) == 1
    assert [row[0] for row in rows] == published
    assert decoding_problems(columns, rows) == []


@pytest.mark.parametrize("resolution", [value for _, value in RESOLUTION.choices])
def test_choices_narrow_a_panel_to_what_was_chosen(druid_fleet: DruidFleet, resolution: str) -> None:
    target = druid_target("driver-score-fleet", "Finished trips by client")
    clients = druid_fleet.final_trips()["client_id"].unique().sort().to_list()[:2]
    classes = ["car", "van"]
    values = {"client": clients, "vehicle_class": classes}
    sql = filled_in(target.sql, values, resolution=resolution)
    columns, rows = run_sql(druid_fleet.url, druid_fleet.prefix, target, sql)
    trips = druid_fleet.final_trips().filter(
        pl.col("client_id").is_in(clients) & pl.col("vehicle_class").is_in(classes)
    )
    assert columns == ["__time", "client_id", "trips"]
    assert {row[1] for row in rows} == set(trips["client_id"])
    assert sum(row[2] for row in rows) == trips.height


@pytest.mark.parametrize("feature", [value for _, value in FEATURE.choices])
def test_every_feature_can_be_shown(druid_fleet: DruidFleet, chosen: dict[str, list[str]], feature: str) -> None:
    target = druid_target("driver-score-model", "Quantiles of ${feature}")
    columns, rows = run_sql(druid_fleet.url, druid_fleet.prefix, target, filled_in(target.sql, chosen, feature))
    known = druid_fleet.final_trips()[feature].count()
    assert bool(rows) == bool(known)
    assert decoding_problems(columns, rows) == []


def test_numbers_on_the_fleet_board_are_those_of_the_messages(
    druid_fleet: DruidFleet, chosen: dict[str, list[str]]
) -> None:
    trips = druid_fleet.final_trips()
    scored = trips.drop_nulls("score")
    expected = {
        "Finished trips": trips.height,
        "Vehicles": trips["vehicle_id"].n_unique(),
        "Distance": trips["distance_km"].sum(),
        "Mean score": scored.select(
            (pl.col("score") * pl.col("distance_km")).sum() / pl.col("distance_km").sum()
        ).item(),
        "High-risk share": scored.filter(band="high").height / scored.height,
        "Alerts": druid_fleet.frame("trip-alerts")["alert_id"].n_unique(),
    }
    for title, value in expected.items():
        target = druid_target("driver-score-fleet", title)
        _, rows = run_sql(druid_fleet.url, druid_fleet.prefix, target, filled_in(target.sql, chosen))
        assert rows == [[pytest.approx(value)]], title


@pytest.mark.parametrize(("vehicle", "has_rows"), [("", True), ("another", False)])
def test_a_trip_is_that_of_its_vehicle_or_of_any_where_none_is_named(
    druid_fleet: DruidFleet, chosen: dict[str, list[str]], vehicle: str, has_rows: bool
) -> None:
    titles = [panel.title for panel in dashboard_of("driver-score-trips").panels() if "${trip:" in str(panel.targets)]
    assert len(titles) == 5
    for title in titles:
        target = druid_target("driver-score-trips", title)
        sql = filled_in(target.sql, chosen | {"trip_vehicle": [vehicle]})
        _, rows = run_sql(druid_fleet.url, druid_fleet.prefix, target, sql)
        assert bool(rows) == has_rows, title


def test_every_alert_is_in_the_table_of_alerts_with_a_score_or_without(
    druid_fleet: DruidFleet, chosen: dict[str, list[str]]
) -> None:
    target = druid_target("driver-score-trips", "Alerts")
    columns, rows = run_sql(druid_fleet.url, druid_fleet.prefix, target, filled_in(target.sql, chosen))
    alerts = druid_fleet.frame("trip-alerts").unique("alert_id")
    assert len(rows) == min(200, alerts.height)
    shown = [row[columns.index("score")] for row in rows]
    assert shown.count(-1) == alerts["score"].null_count() or alerts.height > 200


def dashboard_of(uid: str) -> Dashboard:
    return next(each for each in DASHBOARDS if each.uid == uid)


def druid_target(uid: str, title: str) -> DruidSql:
    """Return the first query of a panel that asks Druid."""
    target = next(panel for panel in dashboard_of(uid).panels() if panel.title == title).targets[0]
    assert isinstance(target, DruidSql)
    return target


def asks_exporter(target: PromQl) -> bool:
    """Tell whether a panel is about Druid; the exporter's own test asks those."""
    return "driver_score_druid_" in target.expression


def prometheus_cases() -> Iterator[Any]:
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels():
            for number, target in enumerate(panel.targets):
                if isinstance(target, PromQl) and not asks_exporter(target):
                    yield pytest.param(panel, target, id=f"{panel.title}-{number}")


@pytest.mark.parametrize(("panel", "target"), list(prometheus_cases()))
def test_a_prometheus_panel_has_series_of_a_running_worker(
    druid_fleet: DruidFleet, panel: Panel, target: PromQl
) -> None:
    expression = target.expression.replace("$instance", ".*")
    expression = expression.replace("$__rate_interval", "1h").replace("$__range", "1h")
    assert "$" not in expression
    series = druid_fleet.ask_prometheus(expression)
    may_be_empty = panel.title == "Rejected records by code"  # nothing was rejected
    assert series or may_be_empty
