"""What events and scores say about a client's devices and drivers, counted for alerts.

Ratios are left to Prometheus: counters of several workers can be added up, ratios can't.
"""

from collections import Counter
from typing import Final, get_args

import numpy as np
import polars as pl

from schemas.driver_score import RiskBand
from schemas.event_frame import EVENT_TYPES, ID_COLUMNS
from scoring.features.trip_lookup import hash_texts
from scoring.trip_events.columns import EventColumns
from stream_app import metrics
from stream_app.bounded_labels import CLIENTS

SENSORS: Final = {
    "speed": "speed_kmh",
    "acceleration": "acceleration_mps2",
    "lateral_acceleration": "lateral_acceleration_mps2",
    "heading": "heading_deg",
    "speed_limit": "speed_limit_kmh",
}
"""The measurement by which each sensor shows; positions stand apart."""

POSITION: Final = "position"

BANDS: Final = get_args(RiskBand)

_SAMPLE_TYPE: Final = EVENT_TYPES.index("sample")
_CLIENT: Final = ID_COLUMNS.index("client_id")


MOST_EXAMINED: Final = 4096
"""Of a larger batch so many events are drawn: the share is right within 2 %, in some milliseconds whatever the size."""

_draws: Final = np.random.default_rng()


def count_sensors(events: EventColumns) -> None:
    """Count samples, and those that a sensor is missing from, by client.

    What is no sample carries no measurement by its nature, and is left out. Of a batch of more than `MOST_EXAMINED`
    events so many are drawn.
    """
    if len(events) > MOST_EXAMINED:
        events = events.take(_draws.integers(0, len(events), MOST_EXAMINED))
    events = events.take(events.samples["event_type"] == _SAMPLE_TYPE)
    starts = np.ascontiguousarray(events.id_starts[:, _CLIENT])
    sizes = np.ascontiguousarray(events.id_sizes[:, _CLIENT])
    clients = np.zeros(len(events), np.uint64)
    hash_texts(events.content, starts, sizes, clients)
    missing = {sensor: np.isnan(events.samples[column]) for sensor, column in SENSORS.items()}
    missing[POSITION] = np.isnan(events.positions[:, 0])
    by_client = (
        pl.DataFrame({"client": clients, "row": np.arange(len(events)), **missing})
        .group_by("client")
        .agg(pl.col("row").first(), pl.len(), pl.col(list(missing)).sum())
        .drop("client")
    )
    for row, count, *missing_counts in by_client.iter_rows():
        client = CLIENTS.of(events.content[starts[row] : starts[row] + sizes[row]].tobytes().decode())
        metrics.SAMPLES.labels(client).inc(count)
        for sensor, missing_count in zip(missing, missing_counts, strict=True):
            metrics.SAMPLES_WITHOUT.labels(client, sensor).inc(missing_count)


def count_scores(scores: pl.DataFrame) -> None:
    """Count scores by kind and status, and the bands of final trip scores by client.

    Parameters
    ----------
    scores
        Rows of `ScoreMaker.make`.
    """
    kinds, bands = scores["kind"].to_list(), scores["band"].to_list()
    for (kind, status), count in Counter(zip(kinds, scores["status"].to_list(), strict=True)).items():
        metrics.SCORES.labels(kind, status).inc(count)
    rows = zip(kinds, scores["final"].to_list(), scores["client_id"].to_list(), bands, strict=True)
    rated = Counter((client_id, band) for kind, final, client_id, band in rows if kind == "trip" and final and band)
    for (client_id, band), count in rated.items():
        client = CLIENTS.of(client_id)
        for other in BANDS:  # a client without high-risk trips has a share of 0, to which a rise is held
            metrics.FINAL_SCORES.labels(client, other)
        metrics.FINAL_SCORES.labels(client, band).inc(count)
