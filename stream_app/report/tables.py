"""What stands in the report as text: headline numbers, trips in detail, drivers by score."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import polars as pl

from scoring.features.thresholds import ThresholdProfile
from stream_app.report.style import Chart
from stream_app.report.traces import trip_chart
from stream_app.report.wording import ReasonLine, reason_lines

RISKIEST_TRIPS: Final = 10
"""Trips in detail: as many as a fleet manager reads over a coffee."""

ENDS: Final = 10
"""Drivers shown of either end of the ranking; the others can be unfolded."""

MAX_LISTED: Final = 1_000
"""Drivers in an unfolded list; of more, the lowest, so that the page stays light."""


@dataclass(frozen=True)
class Headline:
    """Numbers of the whole input.

    Attributes
    ----------
    trips, drivers, vehicles, distance_km, hours
        Of all trips, scored or not.
    scored, bands
        Trips with a score, and how many of them are of each band.
    unfinished, unscored
        Trips whose end had not come, and trips without a score by status.
    median_score
        None where no trip has a score.
    period
        First and last day, as text; empty where there are no trips.
    alerts, alert_trips
        Alerts raised, and the trips they are of.
    """

    trips: int
    drivers: int
    vehicles: int
    distance_km: float
    hours: float
    scored: int
    bands: dict[str, int]
    unfinished: int
    unscored: dict[str, int]
    median_score: float | None
    period: str
    alerts: int
    alert_trips: int


@dataclass(frozen=True)
class TripCard:
    """One trip in detail; ``trip`` is its row of `stream_app.report.frames.TRIP_SCHEMA`."""

    trip: dict[str, Any]
    client: str
    started: str
    minutes: float
    alert: str
    reasons: list[ReasonLine]
    chart: Chart | None


@dataclass(frozen=True)
class DriverRanking:
    """Rated drivers by score with their exposure, as rows; those not rated yet apart.

    Attributes
    ----------
    lowest, highest
        Both ends, each from the end inwards; ``highest`` is empty where ``lowest`` has all.
    listed
        All rated drivers, lowest first, at most `MAX_LISTED`; empty where ``lowest`` has all.
    rated
        How many there are.
    unrated
        Drivers without a score, those with most driving first, at most `MAX_LISTED`.
    unrated_count
        How many there are.
    """

    lowest: list[dict[str, Any]]
    highest: list[dict[str, Any]]
    listed: list[dict[str, Any]]
    rated: int
    unrated: list[dict[str, Any]]
    unrated_count: int


def headline(trips: pl.DataFrame, alerts: pl.DataFrame) -> Headline:
    """Sum up the trips, one row each, and the alerts."""
    scored = trips.filter(pl.col("score").is_not_null())
    days = trips.select(pl.min("window_start"), pl.max("window_end")).drop_nulls().row(0) if trips.height else ()
    period = " to ".join(dict.fromkeys(f"{day:%-d %B %Y}" for day in days))
    median = scored["score"].median()
    return Headline(
        trips=trips.height,
        drivers=trips["driver_id"].n_unique(),
        vehicles=trips["vehicle_id"].n_unique(),
        distance_km=float(trips["distance_km"].sum()),
        hours=float(trips["duration_s"].sum()) / 3600,
        scored=scored.height,
        bands={band: int((scored["band"] == band).sum()) for band in ("low", "moderate", "high")},
        unfinished=int((~trips["final"]).sum()),
        unscored=dict(
            trips.filter(pl.col("score").is_null())["status"].value_counts(sort=True, name="trips").iter_rows()
        ),
        median_score=float(median) if isinstance(median, float) else None,
        period=period,
        alerts=alerts.height,
        alert_trips=alerts.select("vehicle_id", "trip_id").n_unique() if alerts.height else 0,
    )


def riskiest_trips(trips: pl.DataFrame) -> pl.DataFrame:
    """Give the trips with the lowest scores, of equal ones the riskier first; where there is none, the hardest driven.

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
        What `stream_app.report.frames.distinct_alerts` gives.
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


def driver_ranking(profiles: pl.DataFrame, names: dict[str, str]) -> DriverRanking:
    """Rank the rated drivers.

    Parameters
    ----------
    profiles
        What `stream_app.report.frames.latest_profiles` gives.
    names
        Of clients, by id.
    """
    shown = profiles.with_columns(
        client=pl.col("client_id").replace_strict(names, default=pl.col("client_id"), return_dtype=pl.String),
        hours=pl.col("duration_s") / 3600,
        change=pl.col("score") - pl.col("previous_score"),
    )
    rated = shown.filter(pl.col("score").is_not_null()).sort("score", "driver_id")
    rated = rated.with_columns(rank=pl.col("score").rank("min", descending=True))
    unrated = shown.filter(pl.col("score").is_null()).sort("distance_km", "driver_id", descending=[True, False])
    all_fit = rated.height <= 2 * ENDS
    return DriverRanking(
        lowest=(rated if all_fit else rated.head(ENDS)).to_dicts(),
        highest=[] if all_fit else rated.tail(ENDS).reverse().to_dicts(),
        listed=[] if all_fit else rated.head(MAX_LISTED).to_dicts(),
        rated=rated.height,
        unrated=unrated.head(MAX_LISTED).to_dicts(),
        unrated_count=unrated.height,
    )
