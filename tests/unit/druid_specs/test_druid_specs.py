"""The specs of Druid are those of the messages, and one that is not is refused."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from driver_score.cli.main import app
from druid_specs.differences import differences
from druid_specs.errors import DruidUnavailableError, SpecFileError, SpecMismatchError
from druid_specs.from_settings import JAAS_VARIABLE, data_sources
from druid_specs.specs.check import check_supervisor
from druid_specs.specs.desired import Installation, desired_data_sources
from druid_specs.specs.files import SPECS_DIR, read_specs, spec_texts, write_specs
from schemas.columns import OUTPUT_COLUMNS
from schemas.settings import load_settings

SUPERVISORS = {files.name: files.supervisor for files in read_specs()}


@pytest.mark.parametrize("path", spec_texts())
def test_the_files_are_those_of_the_messages(path: str) -> None:
    expected = spec_texts()[path]
    assert (SPECS_DIR / path).read_text() == expected, "run pytest with --update-golden, and review the diff"


def test_no_file_is_left_over() -> None:
    found = {str(path.relative_to(SPECS_DIR)) for path in SPECS_DIR.rglob("*.json")}
    assert found == set(spec_texts())


@pytest.mark.parametrize("topic", OUTPUT_COLUMNS)
def test_each_column_of_a_message_is_a_column_of_its_data_source(topic: str) -> None:
    schema = SUPERVISORS[topic]["spec"]["dataSchema"]
    declared = [column["name"] for column in schema["dimensionsSpec"]["dimensions"]]
    assert sorted([*declared, schema["timestampSpec"]["column"]]) == sorted(OUTPUT_COLUMNS[topic])
    assert schema["granularitySpec"]["rollup"] is False


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("trip_id", "string"),
        ("band", "string"),
        ("reason_1", "string"),
        ("score", "double"),
        ("reason_1_impact", "double"),
        ("hard_event_count", "long"),
        ("revision", "long"),
        ("final", "long"),
        ("scored_at", "long"),
    ],
)
def test_a_column_has_the_type_of_what_it_holds(column: str, expected: str) -> None:
    dimensions = SUPERVISORS["driver-scores"]["spec"]["dataSchema"]["dimensionsSpec"]["dimensions"]
    assert {one["name"]: one["type"] for one in dimensions}[column] == expected


def dimensions_of(spec: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = spec["spec"]["dataSchema"]["dimensionsSpec"]["dimensions"]
    return found


def without_score(spec: dict[str, Any]) -> None:
    dimensions_of(spec)[:] = [one for one in dimensions_of(spec) if one["name"] != "score"]


def with_another(spec: dict[str, Any]) -> None:
    dimensions_of(spec).append({"type": "double", "name": "scoer"})


def score_as_text(spec: dict[str, Any]) -> None:
    next(one for one in dimensions_of(spec) if one["name"] == "score")["type"] = "string"


def discovered(spec: dict[str, Any]) -> None:
    spec["spec"]["dataSchema"]["dimensionsSpec"]["useSchemaDiscovery"] = True


def another_time(spec: dict[str, Any]) -> None:
    spec["spec"]["dataSchema"]["timestampSpec"]["column"] = "scored_at"


def unparsed_time(spec: dict[str, Any]) -> None:
    spec["spec"]["dataSchema"]["transformSpec"]["transforms"] = []


def without_type(spec: dict[str, Any]) -> None:
    del next(one for one in dimensions_of(spec) if one["name"] == "score")["type"]


def transform_without_expression(spec: dict[str, Any]) -> None:
    del spec["spec"]["dataSchema"]["transformSpec"]["transforms"][0]["expression"]


def added_up(spec: dict[str, Any]) -> None:
    spec["spec"]["dataSchema"]["metricsSpec"] = [{"type": "count", "name": "rows_count"}]


def unknown_topic(spec: dict[str, Any]) -> None:
    spec["spec"]["ioConfig"]["topic"] = "driver-score"


MISMATCHES: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (without_score, "column 'score' of DriverScore is missing"),
    (with_another, "column 'scoer' is not in DriverScore"),
    (score_as_text, "column 'score' is string, but double in DriverScore"),
    (discovered, "each column must be declared"),
    (another_time, "column 'scored_at' is not the time of the messages"),
    (unparsed_time, "column 'window_start' is a time"),
    (transform_without_expression, "column 'window_start' is a time"),
    (without_type, "column 'type' is not valid in a supervisor spec of Druid"),
    (added_up, "column 'rows_count' is a metric"),
    (unknown_topic, "'driver-score', which is not a topic of output messages"),
]


@pytest.mark.parametrize(("change", "expected"), MISMATCHES, ids=lambda given: getattr(given, "__name__", None))
def test_a_spec_that_does_not_match_the_messages_is_refused_with_the_column_named(
    change: Callable[[dict[str, Any]], None], expected: str
) -> None:
    spec = copy.deepcopy(SUPERVISORS["driver-scores"])
    check_supervisor(spec, "a file")
    change(spec)
    with pytest.raises(SpecMismatchError, match=r"^a file: ") as refused:
        check_supervisor(spec, "a file")
    assert expected in str(refused.value)
    assert "Nothing was changed in Druid" in str(refused.value)


@pytest.mark.parametrize("kind", ["metricsSpec", "dimensions"])
def test_a_roll_up_of_what_the_messages_do_not_have_is_refused(kind: str) -> None:
    spec = copy.deepcopy(SUPERVISORS["fleet-hourly"])
    if kind == "dimensions":
        dimensions_of(spec).append({"type": "string", "name": "region"})
    else:
        spec["spec"]["dataSchema"]["metricsSpec"].append({"type": "longSum", "name": "n", "fieldName": "region"})
    with pytest.raises(SpecMismatchError, match="column 'region' is not in DriverScore"):
        check_supervisor(spec, "a file")


def test_apply_refuses_a_mismatch_before_it_talks_to_druid(tmp_path: Path) -> None:
    write_specs(tmp_path)
    path = tmp_path / "supervisors" / "trip-alerts.json"
    spec = json.loads(path.read_text())
    dimensions_of(spec)[:] = [one for one in dimensions_of(spec) if one["name"] != "risk"]
    path.write_text(json.dumps(spec))
    variables = {"DRIVER_SCORE_DRUID__SPECS_DIR": str(tmp_path), "DRIVER_SCORE_DRUID__URL": "http://127.0.0.1:1"}

    refused = CliRunner().invoke(app, ["druid", "apply"], env=variables)

    assert isinstance(refused.exception, SpecMismatchError)
    assert refused.exception.column == "risk"
    assert str(path) in str(refused.exception)


@pytest.mark.parametrize("command", [["apply"], ["apply", "--dry-run"]], ids=" ".join)
def test_no_druid_is_one_line_that_names_the_address(command: list[str]) -> None:
    ran = CliRunner().invoke(app, ["druid", *command], env={"DRIVER_SCORE_DRUID__URL": "http://127.0.0.1:1"})
    assert isinstance(ran.exception, DruidUnavailableError)
    assert "http://127.0.0.1:1 " in str(ran.exception)
    assert "\n" not in str(ran.exception)


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [("supervisors/trip-alerts.json", "{", "is not JSON"), ("retention/trip-alerts.json", None, "can't be read")],
)
def test_a_spec_file_that_cannot_be_read_is_named(
    tmp_path: Path, path: str, content: str | None, expected: str
) -> None:
    write_specs(tmp_path)
    if content is None:
        (tmp_path / path).unlink()
    else:
        (tmp_path / path).write_text(content)
    with pytest.raises(SpecFileError, match=expected) as failed:
        read_specs(tmp_path)
    assert path in str(failed.value)


def test_a_folder_without_specs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SpecFileError, match="has no supervisor specs"):
        read_specs(tmp_path)


def test_an_installation_has_its_names_addresses_and_counts() -> None:
    installation = Installation({"bootstrap.servers": "kafka:9092"}, "eu-", "druid-", task_count=4, replicas=2)
    scores = {source.name: source for source in desired_data_sources(installation)}["druid-driver-scores"]
    assert scores.topic == "eu-driver-scores"
    assert scores.supervisor["spec"]["dataSchema"]["dataSource"] == "druid-driver-scores"
    assert scores.compaction["dataSource"] == "druid-driver-scores"
    io_config = scores.supervisor["spec"]["ioConfig"]
    assert (io_config["topic"], io_config["taskCount"], io_config["replicas"]) == ("eu-driver-scores", 4, 2)
    assert io_config["consumerProperties"] == {"bootstrap.servers": "kafka:9092"}


def test_the_password_of_kafka_is_never_part_of_a_spec() -> None:
    settings = load_settings(
        kafka={"security_protocol": "SASL_SSL", "username": "scorer", "password": "hunter2"},
        druid={"kafka_bootstrap": "inside:9093", "consumer_properties": {"ssl.truststore.location": "/trust"}},
    )
    for source in data_sources(settings):
        properties = source.supervisor["spec"]["ioConfig"]["consumerProperties"]
        assert "hunter2" not in json.dumps(source.supervisor)
        assert properties["bootstrap.servers"] == "inside:9093"
        assert properties["security.protocol"] == "SASL_SSL"
        assert properties["ssl.truststore.location"] == "/trust"
        assert properties["druid.dynamic.config.provider"]["variables"] == {"sasl.jaas.config": JAAS_VARIABLE}


@pytest.mark.parametrize(
    ("current", "desired", "expected"),
    [
        ({"a": 1, "default": 2}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["a: 1 → 2"]),
        ({}, {"a": {"b": 2}}, ["a.b: nothing → 2"]),
        ({"a": None}, {"a": []}, []),
        ({"period": "PT3600S"}, {"period": "PT1H"}, []),
        ({"period": "PT3600S"}, {"period": "PT2H"}, ["period: PT3600S → PT2H"]),
        ({"granularity": {"type": "none"}}, {"granularity": "NONE"}, []),
        ({"granularity": "DAY"}, {"granularity": "HOUR"}, ["granularity: DAY → HOUR"]),
        ({"list": [1, 2]}, {"list": [1, 3]}, ["list[1]: 2 → 3"]),
        ({"list": [1, 2]}, {"list": [1]}, ["list: [1, 2] → [1]"]),
        ({"d": [{"name": "x", "type": "long", "more": 1}]}, {"d": [{"name": "x", "type": "long"}]}, []),
        (
            {"d": [{"name": "x", "type": "long"}, {"name": "y"}]},
            {"d": [{"name": "x", "type": "double"}, {"name": "z"}]},
            ["d.x.type: long → double", "d: + z", "d: - y"],
        ),
        ({"d": [{"name": "x"}, {"name": "y"}]}, {"d": [{"name": "y"}, {"name": "x"}]}, ["d: order"]),
        ({"d": [{"name": "x"}]}, {"d": []}, ["d: [{'name': 'x'}] → []"]),
    ],
)
def test_differences_are_reported_and_defaults_of_druid_are_not(
    current: dict[str, Any], desired: dict[str, Any], expected: list[str]
) -> None:
    assert list(differences(current, desired)) == expected
