"""The riskiest trips in detail."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import polars as pl

from driver_score.report.style import Chart
from driver_score.report.traces import trip_chart
from driver_score.report.wording import ReasonLine, reason_lines
from schemas.thresholds import ThresholdProfile

RISKIEST_TRIPS: Final = 10
"""Trips in detail: as many as a fleet manager reads over a coffee."""


@dataclass(frozen=True)
class TripCard:
    """One trip in detail; ``trip`` is its row of `driver_score.report.frames.TRIP_SCHEMA`."""

    trip: dict[str, Any]
    client: str
    started: str
    minutes: float
    alert: str
    reasons: list[ReasonLine]
    chart: Chart | None


def riskiest_trips(trips: pl.DataFrame) -> pl.DataFrame:
    """Return the trips with the lowest scores, among equal ones the riskier first.

    Trips without a score are never put among those with one; only where no trip has one, those with hard events show
    what was recorded.
    """
    scored = trips.filter(pl.col("score").is_not_null())
    if scored.is_empty():
        hard = trips.filter(pl.col("hard_event_count") > 0)
        return hard.sort("hard_event_count", "trip_id", descending=[True, False]).head(RISKIEST_TRIPS)
    return scored.sort("score", "risk", "trip_id", descending=[False, True, False]).head(RISKIEST_TRIPS)


def trip_cards(
    riskiest: pl.DataFrame,
    events: pl.DataFrame,
    alerts: pl.DataFrame,
    names: dict[str, str],
    profile: ThresholdProfile,
) -> list[TripCard]:
    """Put trips together with their reasons, alerts and speed.

    Parameters
    ----------
    riskiest
        Trips, in the order of the report.
    events
        Event frame of all trips.
    alerts
        What `driver_score.report.frames.distinct_alerts` gives.
    names
        Of clients, by id.
    profile
        Thresholds of hard events.
    """
    key = ["vehicle_id", "trip_id"]
    wanted = events.join(riskiest.select(key), on=key, how="semi")
    cards = []
    for place, trip in enumerate(riskiest.iter_rows(named=True)):
        mine = {"vehicle_id": trip["vehicle_id"], "trip_id": trip["trip_id"]}
        trip_events = wanted.filter(**mine)
        offsets_min = trip_events["utc_offset_min"].drop_nulls().to_list()
        zone = "local time" if offsets_min else "UTC"
        shift = timedelta(minutes=offsets_min[0] if offsets_min else 0)
        raised = alerts.filter(**mine)["event_time"].to_list()
        cards.append(
            TripCard(
                trip=trip,
                client=names[trip["client_id"]],
                started=f"{trip['window_start'] + shift:%a %-d %b %Y, %H:%M} {zone}",
                minutes=(trip["duration_s"] or 0.0) / 60,
                alert=f"{raised[0] + shift:%H:%M}" if raised else "",
                reasons=reason_lines(trip),
                chart=trip_chart(trip_events, profile, name=f"trip-{place}"),
            )
        )
    return cards
