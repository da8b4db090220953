"""Dashboards as they are written: layout, texts, data sources, columns, and the JSON that Grafana takes."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard as TypedDashboard
from prometheus_client import REGISTRY

import stream_app.telemetry.metrics
from driver_score.exporter import druid_collector
from druid_specs.named_queries import named_query, query_names
from druid_specs.specs.files import read_specs
from grafana import generate
from grafana.boards import DASHBOARDS
from grafana.datasources import DRUID, PROMETHEUS, DruidSql, DruidVariable, PromQl
from grafana.model import Dashboard, Panel, Target, Variable
from schemas.columns import OUTPUT_COLUMNS
from tests.support.checks.sql_names import names_used, sources_of

EACH_DASHBOARD = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.uid)

EACH_PANEL = pytest.mark.parametrize(
    ("dashboard", "panel"),
    [(dashboard, panel) for dashboard in DASHBOARDS for panel in dashboard.panels()],
    ids=lambda one: one.uid if isinstance(one, Dashboard) else one.title,
)

BUILT_IN = {"__from", "__to", "__value.raw", "__url_time_range", "__data.fields.driver_id", "__data.fields.vehicle_id"}


def columns_of(source: str) -> set[str]:
    """Return what can be asked of a data source: a topic's messages, or what a roll-up sums."""
    if source in OUTPUT_COLUMNS:
        return {*OUTPUT_COLUMNS[source], "__time"} - {"event_time"}
    spec = next(files.supervisor for files in read_specs() if files.name == source)["spec"]["dataSchema"]
    return {"__time", *(each["name"] for each in (*spec["dimensionsSpec"]["dimensions"], *spec["metricsSpec"]))}


def test_the_checked_in_json_is_what_the_code_makes() -> None:
    generate.check()


def test_a_changed_a_missing_and_a_foreign_file_are_named(tmp_path: Path) -> None:
    generate.write(tmp_path)
    (tmp_path / "fleet.json").write_text("{}")
    (tmp_path / "trips.json").unlink()
    (tmp_path / "old.json").write_text("{}")
    with pytest.raises(generate.StaleDashboardError, match=r"fleet\.json, old\.json, trips\.json"):
        generate.check(tmp_path)
    generate.write(tmp_path)
    generate.check(tmp_path)


@EACH_DASHBOARD
def test_panels_do_not_overlap_and_stay_inside_the_grid(dashboard: Dashboard) -> None:
    placed = [panel["gridPos"] for panel in dashboard.to_json()["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in placed)
    for one, other in combinations(placed, 2):
        is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        is_above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert is_beside or is_above, (one, other)


@EACH_DASHBOARD
def test_panel_ids_are_unique(dashboard: Dashboard) -> None:
    ids = [panel["id"] for panel in dashboard.to_json()["panels"]]
    assert len(ids) == len(set(ids))


def test_uids_and_file_names_are_unique_and_short_enough_for_grafana() -> None:
    uids = [dashboard.uid for dashboard in DASHBOARDS]
    assert len(set(uids)) == len({*map(generate.file_name, DASHBOARDS)}) == len(DASHBOARDS)
    assert all(len(uid) <= 40 for uid in uids)


@EACH_PANEL
def test_a_panel_says_what_it_shows_in_which_unit_and_what_it_says_without_data(
    dashboard: Dashboard, panel: Panel
) -> None:
    shown = panel.to_json(1, 0, 0)
    assert shown["title"]
    assert shown["description"].endswith((".", "?"))
    assert shown["fieldConfig"]["defaults"]["unit"]
    assert len(shown["fieldConfig"]["defaults"]["noValue"]) > 3
    assert [panel.title for panel in dashboard.panels()].count(panel.title) == 1


@EACH_PANEL
def test_a_panel_asks_pinned_data_sources_with_all_that_the_plugin_reads(dashboard: Dashboard, panel: Panel) -> None:
    for target in panel.to_json(1, 0, 0)["targets"]:
        assert target["datasource"] in (DRUID, PROMETHEUS), dashboard.uid
        if target["datasource"] == DRUID:
            asked = json.loads(target["expr"])
            assert asked == {"builder": target["builder"], "settings": target["settings"]}
            assert asked["settings"]["format"] == "long"


@EACH_PANEL
def test_a_series_is_never_drawn_over_a_gap(dashboard: Dashboard, panel: Panel) -> None:
    if panel.kind == "timeseries":
        assert panel.custom["spanNulls"] is False, dashboard.uid
    target = panel.targets[0]
    if panel.kind == "timeseries" and isinstance(target, DruidSql) and re.search(r"GROUP BY 1, 2\b", target.sql):
        assert any(each["id"] == "prepareTimeSeries" for each in panel.transformations) or len(panel.columns) > 0


@EACH_DASHBOARD
def test_every_variable_that_is_used_can_be_chosen(dashboard: Dashboard) -> None:
    text = json.dumps([panel.to_json(1, 0, 0) for panel in dashboard.panels()])
    used = set(re.findall(r"\$\{([\w.]+)(?::\w+)?\}", text)) | set(re.findall(r"\$(\w+)", text))
    given = {variable.name for variable in dashboard.variables}
    own = {"__rate_interval", "__range"}
    assert used - BUILT_IN - own <= given
    assert given <= used | {"resolution"}


def druid_statements() -> list[Any]:
    named = [pytest.param(named_query(name).statement, id=name) for name in query_names()]
    for dashboard in DASHBOARDS:
        asked: list[tuple[str, Target | Variable]] = [
            (panel.title, target) for panel in dashboard.panels() for target in panel.targets
        ]
        asked += [(variable.name, variable) for variable in dashboard.variables]
        named += [
            pytest.param(one.sql, id=f"{dashboard.uid}-{title}")
            for title, one in asked
            if isinstance(one, DruidSql | DruidVariable)
        ]
    return named


@pytest.mark.parametrize("statement", druid_statements())
def test_sql_uses_columns_that_its_data_source_has(statement: str) -> None:
    sources = sources_of(statement)
    assert sources
    known = set().union(*map(columns_of, sources))
    assert names_used(statement) <= known


@pytest.mark.parametrize("statement", druid_statements())
def test_what_is_said_of_trips_keeps_the_roles_of_models_apart(statement: str) -> None:
    is_of_trips = statement.startswith("WITH") and "driver-scores" in sources_of(statement)
    if is_of_trips or "fleet-hourly" in sources_of(statement):
        assert "model_role" in statement, "else a challenger's score counts its trip again"


def test_a_column_that_is_not_there_is_noticed() -> None:
    assert names_used('SELECT speed AS x, SUM(risk) FROM "driver-scores" WHERE kind = \'trip\' -- old') == {
        "speed", "risk", "kind",
    }  # fmt: skip


@EACH_DASHBOARD
def test_boards_link_to_each_other(dashboard: Dashboard) -> None:
    targets = {link["url"].removeprefix("/d/") for link in dashboard.to_json()["links"]}
    assert targets == {one.uid for one in DASHBOARDS}


def test_links_of_columns_lead_to_boards_with_the_variable_they_set() -> None:
    boards = {dashboard.uid: {one.name for one in dashboard.variables} for dashboard in DASHBOARDS}
    columns = [column for dashboard in DASHBOARDS for panel in dashboard.panels() for column in panel.columns]
    links = {column.link[1] for column in columns if column.link}
    assert len(links) == 4
    for link in links:
        uid, _, query = link.removeprefix("/d/").partition("?")
        assert set(re.findall(r"var-(\w+)=", query)) <= boards[uid]


def test_what_a_link_takes_from_its_row_is_a_column_of_the_table() -> None:
    for panel in (panel for dashboard in DASHBOARDS for panel in dashboard.panels()):
        links = " ".join(column.link[1] for column in panel.columns if column.link)
        assert set(re.findall(r"__data\.fields\.(\w+)", links)) <= {column.name for column in panel.columns}, (
            panel.title
        )


@EACH_DASHBOARD
def test_grafanas_own_types_take_the_json_and_lose_nothing(dashboard: Dashboard) -> None:
    """The types are those of Grafana 11.6, between the versions that are promised."""
    assert set(_lost(dashboard.to_json())) <= {"/templating/list/*/definition"}  # there in Grafana, not in its types


@pytest.mark.parametrize("path", [("gridPos",), ("options",), ("fieldConfig", "defaults")], ids="/".join)
def test_a_misspelt_field_is_lost_by_grafanas_types(path: tuple[str, ...]) -> None:
    written = DASHBOARDS[0].to_json()
    part = written["panels"][1]
    for step in path:
        part = part[step]
    part["misspelt"] = 1
    assert any("misspelt" in lost for lost in _lost(written))


def _lost(written: dict[str, Any]) -> list[str]:
    register_default_plugins()
    read = json.loads(JSONEncoder().encode(TypedDashboard.from_json(written)))
    return list(_differences(written, read, ""))


def _differences(written: Any, read: Any, path: str) -> Any:
    if isinstance(written, dict) and isinstance(read, dict):
        for key, value in written.items():
            if key not in read:
                yield f"{path}/{key}"
            else:
                yield from _differences(value, read[key], f"{path}/{key}")
    elif isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        for one, other in zip(written, read, strict=True):
            yield from _differences(one, other, f"{path}/*")
    elif written != read:
        yield f"{path}: {written!r} became {read!r}"


def test_provisioned_data_sources_have_the_uids_that_panels_ask() -> None:
    folder = generate.DASHBOARDS_DIR.parent / "provisioning"
    text = (folder / "datasources" / "driver-score.yaml").read_text()
    pairs = set(re.findall(r"uid: (\S+)\n\s+type: (\S+)", text))
    assert pairs == {(each["uid"], each["type"]) for each in (DRUID, PROMETHEUS)}


def test_prometheus_panels_ask_for_metrics_that_worker_and_exporter_have() -> None:
    assert stream_app.telemetry.metrics.EVENTS
    names = {name for collector in REGISTRY._collector_to_names.values() for name in collector}
    names |= {"driver_score_worker_lag_records", "driver_score_worker_stalled_seconds"}  # of a collector of its own
    names |= set(druid_collector._NUMBERS)
    names |= {"process_resident_memory_bytes", "process_cpu_seconds_total"}
    asked = {
        name
        for dashboard in DASHBOARDS
        for panel in dashboard.panels()
        for target in panel.targets
        if isinstance(target, PromQl)
        for name in re.findall(r"\b(?:driver_score|process)_\w+", target.expression)
    }
    assert asked
    assert asked <= names
