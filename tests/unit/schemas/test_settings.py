"""Settings: what environment variables become, and that the docs list them all."""

import os
from pathlib import Path

import pytest

from schemas.errors import SettingsError
from schemas.settings import Settings, load_settings
from schemas.thresholds import HardEventThresholds
from tests.support.golden.settings_page import SETTINGS_PAGE, settings_page


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


@pytest.mark.parametrize("given", [None, "var/stack", str(SETTINGS_PAGE.parents[1] / "var/stack")])
def test_the_folder_of_the_stack_is_the_same_wherever_a_command_is_called(
    given: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    if given is not None:
        monkeypatch.setenv("DRIVER_SCORE_STACK__FOLDER", given)
    assert load_settings().stack.folder == SETTINGS_PAGE.parents[1] / "var" / "stack"


def test_the_password_is_never_logged() -> None:
    settings = load_settings(kafka={"security_protocol": "SASL_SSL", "username": "scorer", "password": "hunter2"})
    assert "hunter2" not in str(settings.loggable())
    assert "hunter2" not in repr(settings)


TOKENS = {"oauth_token_url": "https://id.example/token", "oauth_client_id": "scorer", "oauth_client_secret": "hunter2"}


@pytest.mark.parametrize(
    ("kafka", "problem"),
    [
        ({"security_protocol": "SASL_SSL"}, "SASL_SSL with SCRAM-SHA-512 requires username and password"),
        ({"security_protocol": "SASL_SSL", "username": "scorer"}, "requires password"),
        (
            {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"},
            "requires oauth_token_url and oauth_client",
        ),
        ({"security_protocol": "SASL_SSL", "sasl_mechanism": "AWS_MSK_IAM"}, "AWS_MSK_IAM requires aws_region"),
        (
            {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "AWS_MSK_IAM", "aws_region": "eu-west-1"},
            "AWS_MSK_IAM requires security_protocol SASL_SSL",
        ),
        ({"username": "scorer", "password": "hunter2"}, "username has no effect with security_protocol PLAINTEXT"),
        ({"security_protocol": "SSL", **TOKENS}, "oauth_token_url has no effect with security_protocol SSL"),
        ({"ssl_ca_path": __file__}, "ssl_ca_path has no effect with security_protocol PLAINTEXT"),
        (
            {"security_protocol": "SSL", "ssl_certificate_path": __file__},
            "set both ssl_certificate_path and ssl_key_path",
        ),
        ({"security_protocol": "SSL", "ssl_key_password": "hunter2"}, "ssl_key_password requires ssl_key_path"),
        ({"security_protocol": "SSL", "ssl_ca_path": "/no/ca.pem"}, "SSL_CA_PATH: there is no file /no/ca.pem"),
        ({"client_properties": {"sasl.password": "x"}}, "must not have sasl.password; set password instead"),
        ({"client_properties": {"acks": "1"}}, "must not have acks"),
        ({"max_message_bytes": 1000}, "MAX_MESSAGE_BYTES"),
    ],
)
def test_settings_of_access_that_do_not_fit_are_one_line_that_says_what_to_set(
    kafka: dict[str, object], problem: str
) -> None:
    with pytest.raises(SettingsError, match=r"docs/settings\.md") as raised:
        load_settings(kafka=kafka)
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_the_docs_list_every_setting_with_its_default_and_limits() -> None:
    assert SETTINGS_PAGE.read_text() == settings_page(), "run pytest with --update-golden"


def test_the_docs_have_the_thresholds_of_each_vehicle_class() -> None:
    text = SETTINGS_PAGE.read_text()
    for name, limits in Settings().thresholds.hard_events.items():
        row = f"| `{name.upper()}` | {limits.brake_mps2} | {limits.acceleration_mps2} | {limits.corner_mps2} |"
        assert row in text
