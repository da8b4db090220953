"""Final trip scores for tests of profiles."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.messages.trip_result import TripResult

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def final_score(trip: int = 1, *, days: float = 0.0, **fields: Any) -> TripResult:
    """Return the final score of a trip that ended so many days after `START`."""
    end = START + timedelta(milliseconds=round(days * 86_400_000))
    given: dict[str, Any] = {
        "revision": 0,
        "trip_id": f"trip_{trip}",
        "vehicle_id": "veh_1",
        "driver_id": "drv_1",
        "client_id": "client_1",
        "window_end": end,
        "score": 80.0,
        "distance_km": 10.0,
        "duration_s": 600.0,
        "model_version": "v1",
    }
    return TripResult(**{**given, **fields})
