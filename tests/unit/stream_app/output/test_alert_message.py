"""The message of an alert: what it takes from its score, and how coarse its position is."""

from typing import Any

import pytest

from schemas.columns import OUTPUT_COLUMNS
from schemas.messages.trip_alert import TripAlert
from schemas.topics import DRIVER_SCORES
from scoring.driver_scores import ALERT_COLUMNS, SEVERE_EVENT_KIND
from stream_app.output.alerts import alert_message

SCORE: dict[str, Any] = {
    **dict.fromkeys([*OUTPUT_COLUMNS[DRIVER_SCORES.name], *ALERT_COLUMNS]),
    "kind": "trip",
    "score_id": "score_1",
    "trip_id": "trip_1",
    "vehicle_id": "veh_1",
    "driver_id": "drv_1",
    "client_id": "client_1",
    "vehicle_class": "car",
    "event_type": "hard_brake",
    "peak_mps2": -7.5,
    "risk": 0.9,
    "score": 12.34,
    "band": "high",
    "latitude": 52.123456,
    "longitude": 13.987654,
    "event_time": "2026-03-02T08:15:00.000Z",
    "scored_at": "2026-03-02T08:15:01.000Z",
}


def alert(**changes: Any) -> dict[str, Any]:
    return alert_message({**SCORE, **changes})


@pytest.mark.parametrize(
    ("exact", "coarse"),
    [
        pytest.param((52.123456, 13.987654), (52.12, 13.99), id="north and east"),
        pytest.param((-33.868819, -70.655001), (-33.87, -70.66), id="south and west are rounded to the nearest too"),
        pytest.param((-0.014, 0.016), (-0.01, 0.02), id="near the equator and the prime meridian"),
        pytest.param((0.0, 13.987654), (0.0, 13.99), id="on the equator"),
        pytest.param((51.476852, 0.0), (51.48, 0.0), id="on the prime meridian"),
        pytest.param((0.0, 0.0), (None, None), id="unknown"),
    ],
)
@pytest.mark.parametrize("kind", ["trip", SEVERE_EVENT_KIND])
def test_its_position_is_rounded_to_a_hundredth_of_a_degree_or_null_where_it_is_unknown(
    kind: str, exact: tuple[float, float], coarse: tuple[float | None, float | None]
) -> None:
    made = alert(kind=kind, latitude=exact[0], longitude=exact[1])
    assert (made["latitude"], made["longitude"]) == coarse


def test_a_trip_of_high_risk_names_its_score_and_no_event() -> None:
    made = TripAlert.model_validate(alert())
    assert (made.alert_type, made.alert_id, made.score_id) == ("high_risk_trip", "alert_score_1", "score_1")
    assert (made.event_type, made.peak_mps2) == (None, None)


def test_a_severe_event_names_itself_and_no_score() -> None:
    made = TripAlert.model_validate(alert(kind=SEVERE_EVENT_KIND))
    assert (made.alert_type, made.alert_id, made.score_id) == ("severe_event", "alert_score_1", None)
    assert (made.event_type, made.peak_mps2) == ("hard_brake", -7.5)
    assert made.raised_at.isoformat() == "2026-03-02T08:15:01+00:00"
