"""Timelines of trips in seconds from noon, and short texts of the rows that they emit."""

from tests.reference.random_trips import NOON_MS, Event, event
from tests.reference.streaming import EmittedRow

YEAR_S = 365 * 86_400


def at(
    *seconds: float, trip: str = "trip_1", event_type: str = "sample", speed_kmh: float | None = 36.0
) -> list[Event]:
    return [event(NOON_MS + round(second * 1000), trip, event_type, speed_kmh=speed_kmh) for second in seconds]


def end(second: float, trip: str = "trip_1") -> list[Event]:
    return at(second, trip=trip, event_type="trip_end", speed_kmh=None)


def summaries(rows: list[EmittedRow]) -> list[str]:
    """Summarize each row: kind, seconds from noon, revision, events, final."""
    return [
        f"{row.kind} {(row.window_start_ms - NOON_MS) / 1000:g}-{(row.window_end_ms - NOON_MS) / 1000:g}"
        f" r{row.revision} n{row.event_count}" + (" final" if row.final else "")
        for row in rows
    ]
