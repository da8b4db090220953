"""Final trip scores for tests of profiles."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.messages.driver_score import DriverScore

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def final_score(trip: int = 1, *, days: float = 0.0, **fields: Any) -> DriverScore:
    """Return the final score of a trip that ended so many days after `START`."""
    end = START + timedelta(milliseconds=round(days * 86_400_000))
    given: dict[str, Any] = {
        "score_id": f"score_{trip}",
        "revision": 0,
        "kind": "trip",
        "final": True,
        "status": "scored",
        "trip_id": f"trip_{trip}",
        "vehicle_id": "veh_1",
        "driver_id": "drv_1",
        "client_id": "client_1",
        "vehicle_class": "car",
        "window_start": end - timedelta(minutes=10),
        "window_end": end,
        "event_count": 600,
        "late_event_count": 0,
        "score": 80.0,
        "distance_km": 10.0,
        "duration_s": 600.0,
        "model_version": "v1",
        "threshold_profile": "default-v1",
        "event_time": end,
        "scored_at": end,
    }
    return DriverScore(**{**given, **fields})
