"""What events and scores say about a client's devices and drivers, counted for alerts.

Ratios are left to Prometheus: counters of several workers can be added up, ratios can't.
"""

from typing import Final

import polars as pl

from stream_app import metrics
from stream_app.bounded_labels import CLIENTS

SENSORS: Final = {
    "speed": "speed_kmh",
    "acceleration": "acceleration_mps2",
    "lateral_acceleration": "lateral_acceleration_mps2",
    "heading": "heading_deg",
    "position": "latitude",
    "speed_limit": "speed_limit_kmh",
}
"""The column by which each sensor shows."""


def count_sensors(events: pl.DataFrame) -> None:
    """Count samples, and those that a sensor is missing from, by client.

    Parameters
    ----------
    events
        Event frame with the columns of ``schemas.event_frame.EVENT_SCHEMA``; what is no sample carries no
        measurement by its nature, and is left out.
    """
    missing = [pl.col(column).null_count().alias(sensor) for sensor, column in SENSORS.items()]
    by_client = events.filter(pl.col("event_type") == "sample").group_by("client_id").agg(pl.len(), *missing)
    for client_id, count, *missing_counts in by_client.iter_rows():
        client = CLIENTS.of(client_id)
        metrics.SAMPLES.labels(client).inc(count)
        for sensor, missing_count in zip(SENSORS, missing_counts, strict=True):
            metrics.SAMPLES_WITHOUT.labels(client, sensor).inc(missing_count)


def count_scores(scores: pl.DataFrame) -> None:
    """Count scores by kind and status, and the bands of final trip scores by client.

    Parameters
    ----------
    scores
        Rows of `ScoreMaker.make`.
    """
    for kind, status, count in scores.group_by("kind", "status").len().iter_rows():
        metrics.SCORES.labels(kind, status).inc(count)
    rated = scores.filter((pl.col("kind") == "trip") & pl.col("final") & pl.col("band").is_not_null())
    for client_id, band, count in rated.group_by("client_id", "band").len().iter_rows():
        metrics.FINAL_SCORES.labels(CLIENTS.of(client_id), band).inc(count)
