"""Alert rules: promtool's own checks and unit tests, and that rules, metrics and runbooks belong together."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.registry import Collector

from driver_score.exporter.druid_collector import DruidCollector
from driver_score.local_stack.programs import REPOSITORY_DIR
from driver_score.local_stack.server_process import LOOPBACK, free_port
from driver_score.local_stack.servers.prometheus import EXPORTER_JOB, PROMETHEUS_DIR, WORKER_JOB, NativePrometheus
from druid_specs.client import DruidClient
from druid_specs.specs.desired import Installation, desired_data_sources
from stream_app.kafka import BrokerUnavailableError
from stream_app.telemetry import data_metrics  # noqa: F401 - registers the worker's metrics
from stream_app.telemetry.health import HealthCollector
from stream_app.telemetry.lag import LagCollector
from tests.support.checks.alert_rules import RULE_FILES, RULE_TEST_FILES, alerts, rules, run

RUNBOOKS_DIR = REPOSITORY_DIR / "docs" / "runbooks"
SUFFIXES = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}


def cases(alert: str) -> list[bool]:
    """Tell of each unit test of an alert whether it fires there."""
    tests = [test for path in RULE_TEST_FILES for test in yaml.safe_load(path.read_text())["tests"]]
    return [
        bool(expected["exp_alerts"])
        for test in tests
        for expected in test["alert_rule_test"]
        if expected["alertname"] == alert
    ]


def served_metrics() -> set[str]:
    """Return the names of all series that worker and exporter serve."""

    def unreachable(_topic: str) -> int:
        raise BrokerUnavailableError("nowhere")

    with DruidClient(f"http://{LOOPBACK}:{free_port()}") as client:
        collectors: list[Collector] = [
            LagCollector(dict),
            HealthCollector(list),
            DruidCollector(client, desired_data_sources(Installation({})), unreachable),
        ]
        families = [*REGISTRY.collect(), *(family for collector in collectors for family in collector.collect())]
    return {family.name + suffix for family in families for suffix in SUFFIXES.get(family.type, [""])}


def test_promtool_accepts_the_rules() -> None:
    checked = run("promtool", "check", "rules", "--lint-fatal", *RULE_FILES)
    assert checked.status == 0, checked.output


@pytest.mark.parametrize("path", RULE_TEST_FILES, ids=lambda path: path.stem)
def test_each_alert_fires_and_stays_quiet_as_it_should(path: Path) -> None:
    tested = run("promtool", "test", "rules", path)
    assert tested.status == 0, tested.output


@pytest.mark.parametrize("alert", alerts())
def test_each_alert_has_a_quiet_and_a_firing_case(alert: str) -> None:
    assert set(cases(alert)) == {False, True}


@pytest.mark.parametrize(("alert", "rule"), alerts().items())
def test_each_alert_says_how_bad_what_and_what_to_do(alert: str, rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["labels"]["component"]
    assert "for" in rule
    assert rule["annotations"]["summary"].endswith(".")
    assert "{{" not in rule["annotations"]["summary"], "the summary is the same for all of a group"
    assert rule["annotations"]["runbook_url"] == f"{{{{ $externalLabels.runbook_base }}}}docs/runbooks/{alert}.md"


def test_each_alert_has_its_runbook_and_each_runbook_its_alert() -> None:
    assert {path.stem for path in RUNBOOKS_DIR.glob("*.md")} == set(alerts())


@pytest.mark.parametrize("alert", alerts())
def test_a_runbook_begins_with_its_alert_and_has_the_four_parts(alert: str) -> None:
    lines = (RUNBOOKS_DIR / f"{alert}.md").read_text().splitlines()
    assert lines[0] == f"# {alert}"
    assert [line for line in lines if line.startswith("## ")] == ["## Meaning", "## Impact", "## Look", "## Act"]


def test_the_guide_lists_each_alert_with_its_severity_and_how_long_it_waits() -> None:
    text = (REPOSITORY_DIR / "docs" / "alerts.md").read_text()
    listed = re.findall(r"^\| \[(\w+)\]\(runbooks/(\w+)\.md\) \| (\w+) \| .* for (\d+) min \|$", text, re.MULTILINE)
    expected = {
        (name, name, rule["labels"]["severity"], rule["for"].removesuffix("m")) for name, rule in alerts().items()
    }
    # What has stalled for 2 minutes fires after one more.
    assert set(listed) - expected == {("ScoringStalled", "ScoringStalled", "critical", "2")}
    assert {name for name, *_ in listed} == set(alerts())


def test_runbooks_and_guides_link_to_pages_that_there_are() -> None:
    for page in [*RUNBOOKS_DIR.glob("*.md"), *(REPOSITORY_DIR / "docs").glob("alerts.md")]:
        for link in re.findall(r"\]\(([^)#]+\.md)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_rules_use_only_metrics_that_are_served_and_series_that_are_recorded() -> None:
    expressions = "\n".join(re.sub(r'"[^"]*"', "", rule["expr"]) for rule in rules())
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    used = set(re.findall(r"\b(?:\w+:)?driver_score[\w:]*\b", expressions))
    assert used <= served_metrics() | recorded
    assert recorded - used <= {"code:driver_score_dead_letters:rate10m"}, (
        "all are used; this one by people and dashboards"
    )


def test_no_alert_holds_a_threshold_of_its_own() -> None:
    for alert, rule in alerts().items():
        numbers = re.findall(r"[<>=]=?\s*(?:bool\s+)?([\d.]+)", rule["expr"])
        assert set(numbers) <= {"0", "1"}, alert


def test_the_configuration_of_the_compose_stack_is_one_that_prometheus_accepts(tmp_path: Path) -> None:
    text = (PROMETHEUS_DIR / "prometheus.yaml").read_text().replace("/etc/prometheus/rules", f"{PROMETHEUS_DIR}/rules")
    path = tmp_path / "prometheus.yaml"
    path.write_text(text)
    checked = run("promtool", "check", "config", path)
    assert checked.status == 0, checked.output
    assert f"{len(RULE_FILES)} rule files found" in checked.output


def test_the_native_prometheus_scrapes_its_configured_targets_and_nothing_else(tmp_path: Path) -> None:
    server = NativePrometheus(tmp_path, {WORKER_JOB: ["127.0.0.1:1", "127.0.0.1:2"], EXPORTER_JOB: []}, port=3)
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in server.config()["scrape_configs"]}
    assert jobs == {WORKER_JOB: ["127.0.0.1:1", "127.0.0.1:2"], "prometheus": ["127.0.0.1:3"]}
    path = tmp_path / "native.yaml"
    path.write_text(yaml.safe_dump(server.config()))
    checked = run("promtool", "check", "config", path)
    assert checked.status == 0, checked.output
