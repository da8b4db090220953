"""The message of an alert, made of the score that raises it."""

from typing import Any, Final

from schemas.columns import OUTPUT_COLUMNS
from schemas.topics import TRIP_ALERTS
from scoring.driver_scores import SEVERE_EVENT_KIND

_COARSE_DIGITS: Final = 2
"""0.01 degrees, about a kilometre: it tells the place, but not the address."""


def alert_message(score: dict[str, Any]) -> dict[str, Any]:
    """Make the alert of a row of scores with their ``ALERT_COLUMNS``; its position is coarse."""
    severe = score["kind"] == SEVERE_EVENT_KIND
    unknown_place = score["latitude"] == 0 and score["longitude"] == 0
    alert = {
        **score,
        "alert_id": f"alert_{score['score_id']}",
        "alert_type": "severe_event" if severe else "high_risk_trip",
        "score_id": None if severe else score["score_id"],
        "event_type": score["event_type"] if severe else None,
        "peak_mps2": score["peak_mps2"] if severe else None,
        "latitude": None if unknown_place else round(score["latitude"], _COARSE_DIGITS),
        "longitude": None if unknown_place else round(score["longitude"], _COARSE_DIGITS),
        "raised_at": score["scored_at"],
    }
    return {name: alert[name] for name in OUTPUT_COLUMNS[TRIP_ALERTS.name]}
