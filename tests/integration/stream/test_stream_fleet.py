"""One run of the worker on a disturbed fleet, looked at from every side; on both brokers."""

from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from pydantic import BaseModel

from schemas.messages.driver_profile import DriverProfile
from schemas.messages.driver_score import DriverScore
from schemas.messages.trip_alert import TripAlert
from schemas.messages.trip_features import TripFeatures
from schemas.messages.trip_result import TripResult
from tests.integration.conftest import FLEET_SETTINGS, FleetRun
from tests.support.checks.feature_equality import unequal_features
from tests.support.servers.running_worker import last_finals, without_wall_clock

pytestmark = pytest.mark.integration

HALF_LIFE_DAYS = 14
ROUNDING = 0.011
"""Scores and their mean are published to a hundredth."""


def counted(metrics: dict[str, float], name: str) -> float:
    """Return a metric, summed over its labels."""
    return sum(number for key, number in metrics.items() if key.partition("{")[0] == f"driver_score_worker_{name}")


def test_features_of_each_trip_equal_those_of_the_batch_in_spite_of_all_disturbance(fleet_run: FleetRun) -> None:
    assert len(fleet_run.expected) > 150
    assert unequal_features(fleet_run.rows["driver-scores"], fleet_run.expected) == []


def test_every_rejected_original_is_a_dead_letter_byte_by_byte_with_its_reason(fleet_run: FleetRun) -> None:
    letters = {bytes(letter.key() or b""): letter for letter in fleet_run.dead_letters}
    for sent in fleet_run.bad:
        if sent.code is None:
            assert sent.key not in letters
            continue
        letter = letters[sent.key]
        assert letter.value() == sent.value
        headers = letter.headers()
        assert headers[: len(sent.headers)] == sent.headers
        reason = dict(headers[len(sent.headers) :])
        assert reason["error-code"].decode() == sent.code
        assert reason["error-message"]
        assert reason["source-topic"] == f"{fleet_run.prefix}trip-events".encode()
        assert int(reason["source-partition"]) in {0, 1}
        assert int(reason["source-offset"]) >= 0


def test_garbage_is_all_among_the_dead_letters_and_nothing_else_is(fleet_run: FleetRun) -> None:
    rejected = [sent.value for sent in fleet_run.bad if sent.code is not None]
    letters = Counter(letter.value() for letter in fleet_run.dead_letters)
    # The brokers do not agree whether an empty value is none at all.
    expected = Counter([*rejected, *fleet_run.garbage])
    for each in (letters, expected):
        each[b""] += each.pop(None, 0)
    assert letters == expected


def test_metrics_count_what_came_and_went(fleet_run: FleetRun) -> None:
    metrics = fleet_run.metrics
    scores = fleet_run.rows["driver-scores"]
    assert counted(metrics, "records_total") == fleet_run.sent_records
    assert counted(metrics, "events_total") == fleet_run.sent_events
    assert counted(metrics, "rejects_total") == len(fleet_run.dead_letters)
    assert counted(metrics, "scores_total") == len(scores)
    assert counted(metrics, "alerts_total") == len(fleet_run.rows["trip-alerts"])
    assert counted(metrics, "profiles_total") == len(fleet_run.rows["driver-profiles"])
    assert counted(metrics, "duplicate_events_total") > 0
    assert counted(metrics, "replayed_events_total") == 0
    assert counted(metrics, "delivery_failures_total") == 0
    assert counted(metrics, "lag_records") == 0
    assert counted(metrics, "stalled_seconds") == 0
    assert counted(metrics, "broker_available") == 1
    assert counted(metrics, "final_scores_total") > 0
    assert counted(metrics, "model_info") == 1
    assert counted(metrics, "last_commit_timestamp_seconds") > 0
    for histogram in ("batch_seconds", "checkpoint_seconds", "latency_seconds"):
        assert counted(metrics, f"{histogram}_count") > 0
    rejects = Counter(
        code.decode() for letter in fleet_run.dead_letters for code in [dict(letter.headers())["error-code"]]
    )
    for code, count in rejects.items():
        assert metrics[f'driver_score_worker_rejects_total{{code="{code}"}}'] == count


@pytest.mark.parametrize(
    ("topic", "model", "key"),
    [
        ("driver-scores", DriverScore, "trip_id"),
        ("driver-profiles", DriverProfile, "driver_id"),
        ("trip-alerts", TripAlert, "trip_id"),
        ("trip-features", TripFeatures, "trip_id"),
        ("driver-scores-by-driver", TripResult, "driver_id"),
    ],
)
def test_every_message_is_what_its_model_says_with_the_key_of_its_topic(
    fleet_run: FleetRun, topic: str, model: type[BaseModel], key: str
) -> None:
    assert fleet_run.rows[topic]
    for row in fleet_run.rows[topic]:
        model.model_validate(row)
        assert set(row) == set(model.model_fields), "every column is in every message"
    assert fleet_run.keys[topic] == [row[key].encode() for row in fleet_run.rows[topic]]


def test_ids_of_scores_are_unique_and_revisions_of_each_window_and_trip_rise_by_one(fleet_run: FleetRun) -> None:
    scores = fleet_run.rows["driver-scores"]
    assert len({score["score_id"] for score in scores}) == len(scores)
    revisions: dict[tuple[Any, ...], list[int]] = {}
    for score in scores:
        start = score["window_start"] if score["kind"] == "window" else ""
        revisions.setdefault((score["vehicle_id"], score["trip_id"], start), []).append(score["revision"])
    trips = set(fleet_run.expected["trip_id"])  # others are of vehicles whose messages were sent with any key
    wrong = {key: found for key, found in revisions.items() if key[1] in trips and found != list(range(len(found)))}
    assert wrong == {}


def test_a_trip_has_provisional_scores_and_then_a_final_one(fleet_run: FleetRun) -> None:
    trips: dict[str, list[dict[str, Any]]] = {}
    for score in fleet_run.rows["driver-scores"]:
        if score["kind"] == "trip":
            trips.setdefault(score["trip_id"], []).append(score)
    for trip_id in fleet_run.expected["trip_id"]:
        finals = [score["final"] for score in trips[trip_id]]
        assert not finals[0]
        assert finals[-1]
        times = [score["event_time"] for score in trips[trip_id]]
        assert times == sorted(times)


def test_a_trip_alerts_each_time_it_enters_the_high_risk_band_and_only_then(fleet_run: FleetRun) -> None:
    trips = set(fleet_run.expected["trip_id"])  # others are of vehicles whose messages were sent with any key
    band: dict[tuple[str, str], str] = {}
    crossings = {}
    for score in fleet_run.rows["driver-scores"]:
        if score["kind"] == "trip" and score["band"] is not None and score["trip_id"] in trips:
            trip = (score["vehicle_id"], score["trip_id"])
            if score["band"] == "high" and band.get(trip) != "high":
                crossings[score["score_id"]] = score
            band[trip] = score["band"]
    of_trips = [alert for alert in fleet_run.rows["trip-alerts"] if alert["trip_id"] in trips]
    alerts = [alert for alert in of_trips if alert["alert_type"] == "high_risk_trip"]
    assert sorted(alert["score_id"] for alert in alerts) == sorted(crossings)
    assert alerts, "no trip of the sample is risky: choose another"
    for alert in alerts:
        score = crossings[alert["score_id"]]
        same = set(alert) & set(score)
        assert {name: alert[name] for name in same} == {name: score[name] for name in same}
        for place in (alert["latitude"], alert["longitude"]):
            assert place is None or place == round(place, 2), "coarse, as it says where someone lives"


def test_the_feature_log_has_one_row_a_final_trip_score_with_the_same_content(fleet_run: FleetRun) -> None:
    finals = {
        score["score_id"]: score
        for score in fleet_run.rows["driver-scores"]
        if score["kind"] == "trip" and score["final"]
    }
    log = fleet_run.rows["trip-features"]
    assert len(log) == len(finals)
    for row in log:
        assert row == {name: finals[row["score_id"]][name] for name in row}


def test_profiles_are_the_mean_of_the_final_scores_weighted_by_distance_and_age(fleet_run: FleetRun) -> None:
    trips: dict[str, list[dict[str, Any]]] = {}
    for final in last_finals(fleet_run.rows["driver-scores"]).values():
        trips.setdefault(final["driver_id"], []).append(final)
    newest = {profile["driver_id"]: profile for profile in fleet_run.rows["driver-profiles"]}
    assert set(newest) == set(trips)
    scored_profiles = 0
    for driver_id, of_driver in trips.items():
        profile = newest[driver_id]
        scored = [trip for trip in of_driver if trip["score"] is not None]
        now = max(datetime.fromisoformat(trip["window_end"]) for trip in of_driver)
        weights = [
            trip["distance_km"]
            * 0.5 ** ((now - datetime.fromisoformat(trip["window_end"])).total_seconds() / 86_400 / HALF_LIFE_DAYS)
            for trip in scored
        ]
        assert profile["trip_count"] == len(scored)
        assert profile["distance_km"] == pytest.approx(sum(trip["distance_km"] for trip in scored), abs=0.001)
        assert profile["effective_distance_km"] == pytest.approx(sum(weights), abs=0.001)
        assert datetime.fromisoformat(profile["event_time"]) == now
        if profile["distance_km"] < FLEET_SETTINGS["profiles__min_distance_km"]:
            assert (profile["score"], profile["status"]) == (None, "insufficient_exposure")
            continue
        mean = sum(weight * trip["score"] for weight, trip in zip(weights, scored, strict=True)) / sum(weights)
        assert profile["score"] == pytest.approx(mean, abs=ROUNDING)
        scored_profiles += 1
    assert scored_profiles > 10


def test_sigterm_leaves_nothing_to_do_again(fleet_run: FleetRun) -> None:
    assert '"event": "stopped"' in fleet_run.log
    assert fleet_run.uncommitted == {"trip-events": 0, "driver-scores-by-driver": 0}
    after = fleet_run.metrics_after_restart
    assert counted(after, "records_total") == 1, "the one that was sent after the restart"
    assert counted(after, "replayed_events_total") == 0
    assert fleet_run.rows_after_restart == len(fleet_run.rows["driver-scores"]) + 2, "its window and its trip"


def test_scores_carry_the_model_and_the_thresholds_they_were_made_with(fleet_run: FleetRun) -> None:
    for score in map(without_wall_clock, fleet_run.rows["driver-scores"]):
        assert score["threshold_profile"] == "default-v2"
        assert score["model_version"].startswith("v")
        assert (score["score"] is None) == (score["status"] == "insufficient_exposure")
