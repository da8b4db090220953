"""Settings: what environment variables become, and that the docs list them all."""

import os
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

import annotated_types
import pytest
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from schemas.errors import SettingsError
from schemas.settings import Settings, load_settings
from schemas.thresholds import HardEventThresholds

DOCS = Path(__file__).parents[3] / "docs" / "settings.md"
BEGIN, END = "<!-- tables: written by a test, --update-golden refreshes them -->", "<!-- end of tables -->"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.upper().startswith("DRIVER_SCORE_")]:
        monkeypatch.delenv(variable)


@pytest.mark.parametrize(
    ("variable", "given", "path", "expected"),
    [
        ("KAFKA__BOOTSTRAP", "kafka:9092", ("kafka", "bootstrap"), "kafka:9092"),
        ("kafka__partitions", "12", ("kafka", "partitions"), 12),
        ("WORKER__METRICS_PORT", "0", ("worker", "metrics_port"), 0),
        ("WORKER__CREATE_TOPICS", "false", ("worker", "create_topics"), False),
        ("MODEL__PATH", "/models/v2", ("model", "path"), Path("/models/v2")),
        ("DECODING__TIME_ZONES", '{"c": "Asia/Kolkata"}', ("decoding", "time_zones"), {"c": "Asia/Kolkata"}),
        ("THRESHOLDS__SPEEDING_KMH", "[3, 10, 20]", ("thresholds", "speeding_kmh"), (3.0, 10.0, 20.0)),
        ("WINDOWS__WINDOW_S", "30", ("windows", "window_s"), 30),
    ],
)
def test_a_variable_sets_its_setting(
    monkeypatch: pytest.MonkeyPatch, variable: str, given: str, path: tuple[str, str], expected: object
) -> None:
    monkeypatch.setenv(f"DRIVER_SCORE_{variable}", given)
    part, name = path
    assert getattr(getattr(load_settings(), part), name) == expected


def test_one_threshold_of_one_class_leaves_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIVER_SCORE_THRESHOLDS__HARD_EVENTS__CAR__BRAKE_MPS2", "3.3")
    changed, default = load_settings().thresholds.hard_events, Settings().thresholds.hard_events
    assert changed["car"] == HardEventThresholds(brake_mps2=3.3)
    assert changed["truck"] == HardEventThresholds(brake_mps2=2.5, acceleration_mps2=2.0, corner_mps2=2.5)
    assert changed.keys() == default.keys()


@pytest.mark.parametrize(
    ("variable", "given", "named"),
    [
        ("DRIVER_SCORE_KAFKA__BOOTSTRAP", "", "DRIVER_SCORE_KAFKA__BOOTSTRAP"),
        ("DRIVER_SCORE_KAFKA__TOPIC_PREFIX", "my topics/", "DRIVER_SCORE_KAFKA__TOPIC_PREFIX"),
        ("DRIVER_SCORE_KAFKA__GROUP", "", "DRIVER_SCORE_KAFKA__GROUP"),
        ("DRIVER_SCORE_KAFKA__NO_SUCH", "1", "DRIVER_SCORE_KAFKA__NO_SUCH"),
        ("DRIVER_SCORE_NO_SUCH__PART", "1", "DRIVER_SCORE_NO_SUCH__PART"),
        ("DRIVER_SCORE_WORKER_METRICS_PORT", "1", "DRIVER_SCORE_WORKER_METRICS_PORT"),
        ("DRIVER_SCORE_WORKER__METRICS_PORT", "70000", "DRIVER_SCORE_WORKER__METRICS_PORT"),
        ("DRIVER_SCORE_DECODING__MAX_VALUE_BYTES", "1", "DRIVER_SCORE_DECODING__MAX_VALUE_BYTES"),
        ("DRIVER_SCORE_DECODING__TIME_ZONES", "{", "DRIVER_SCORE_"),
        ("DRIVER_SCORE_PROFILES__HALF_LIFE_DAYS", "0", "DRIVER_SCORE_PROFILES__HALF_LIFE_DAYS"),
        ("DRIVER_SCORE_EXPOSURE__MIN_TRIP_KM", "-1", "DRIVER_SCORE_EXPOSURE__MIN_TRIP_KM"),
    ],
)
def test_a_wrong_setting_is_one_error_that_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, given: str, named: str
) -> None:
    monkeypatch.setenv(variable, given)
    with pytest.raises(SettingsError, match=r"docs/settings\.md") as raised:
        load_settings()
    assert f"setting {named}" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_variables_of_tests_and_tools_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIVER_SCORE_TEST_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("DRIVER_SCORE_SHARED_DATA", "somewhere")
    load_settings()


@pytest.mark.parametrize("given", [None, "var/stack", str(DOCS.parents[1] / "var/stack")])
def test_the_folder_of_the_stack_is_the_same_wherever_a_command_is_called(
    given: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    if given is not None:
        monkeypatch.setenv("DRIVER_SCORE_STACK__FOLDER", given)
    assert load_settings().stack.folder == DOCS.parents[1] / "var" / "stack"


def test_the_password_is_never_logged() -> None:
    settings = load_settings(kafka={"security_protocol": "SASL_SSL", "username": "scorer", "password": "hunter2"})
    assert "hunter2" not in str(settings.loggable())
    assert "hunter2" not in repr(settings)
    assert settings.kafka.client_config()["sasl.password"] == "hunter2"


def test_without_credentials_the_client_gets_none() -> None:
    assert load_settings().kafka.client_config() == {"security.protocol": "PLAINTEXT"}


def test_the_docs_list_every_setting_with_its_default_and_limits(*, update_golden: bool) -> None:
    text = DOCS.read_text()
    before, remainder = text.split(BEGIN)
    after = remainder.split(END)[1]
    expected = f"{before}{BEGIN}\n\n{settings_tables()}\n{END}{after}"
    if update_golden:
        DOCS.write_text(expected)
    assert text == expected, "docs/settings.md is out of date: run pytest with --update-golden"


def settings_tables() -> str:
    parts = []
    for part, field in Settings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        rows = [_row(f"DRIVER_SCORE_{part}__{name}".upper(), of_part) for name, of_part in model.model_fields.items()]
        about = (model.__doc__ or "").strip().splitlines()[0].replace("``", "`")
        head = "| variable | default | values | |\n|---|---|---|---|"
        title = part.capitalize().replace("_", " ")
        parts.append(f"## {title}\n\n{about}\n\n{head}\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _row(variable: str, field: FieldInfo) -> str:
    return f"| `{variable}` | {_default(field)} | {_values(field)} | {field.description or ''} |"


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if default is None:
        return "unset"
    if isinstance(default, dict):
        return "`{}`" if not default else "below"
    return f"`{list(default) if isinstance(default, tuple) else default}`" if default != "" else "empty"


def _values(field: FieldInfo) -> str:
    kind = _kind(field.annotation)
    limits = [_limit(one) for one in field.metadata]
    return ", ".join([kind, *(limit for limit in limits if limit)])


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    if isinstance(annotation, UnionType):
        return " or ".join(_kind(one) for one in get_args(annotation) if one is not NoneType)
    names = {
        int: "whole number",
        float: "number",
        bool: "`true`, `false`",
        str: "text",
        Path: "path",
        SecretStr: "secret",
    }
    return names.get(annotation, "JSON")


def _limit(constraint: object) -> str:
    for kind, sign in (
        (annotated_types.Ge, "≥"),
        (annotated_types.Gt, ">"),
        (annotated_types.Le, "≤"),
        (annotated_types.Lt, "<"),
    ):
        if isinstance(constraint, kind):
            return f"{sign} {getattr(constraint, kind.__name__.lower()):,}"
    pattern = getattr(constraint, "pattern", None)
    return f"matches `{pattern}`" if pattern else ""


def test_the_docs_have_the_thresholds_of_each_vehicle_class() -> None:
    text = DOCS.read_text()
    for name, limits in Settings().thresholds.hard_events.items():
        row = f"| `{name.upper()}` | {limits.brake_mps2} | {limits.acceleration_mps2} | {limits.corner_mps2} |"
        assert row in text
