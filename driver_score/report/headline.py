"""The headline numbers."""

from dataclasses import dataclass

import polars as pl

from driver_score.losses import SPEED_UNKNOWN


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
        Trips whose end had not come, and trips without a score by cause.
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
        unscored=unscored_trips(trips),
        median_score=float(median) if isinstance(median, float) else None,
        period=period,
        alerts=alerts.height,
        alert_trips=alerts.select("vehicle_id", "trip_id").n_unique() if alerts.height else 0,
    )


def unscored_trips(trips: pl.DataFrame) -> dict[str, int]:
    """Count the trips without a score by cause: an unknown speed, else the status."""
    without_speed = pl.col("distance_km").is_null() & (pl.col("duration_s") > 0)
    cause = pl.when(without_speed).then(pl.lit(SPEED_UNKNOWN)).otherwise("status")
    causes = trips.filter(pl.col("score").is_null()).select(cause.alias("cause")).to_series()
    return dict(causes.value_counts(sort=True, name="trips").iter_rows())
