"""What events and scores say about a client's devices and drivers, counted for alerts.

Ratios are left to Prometheus: counters of several workers can be added up, ratios can't.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, get_args

import numpy as np

from schemas.driver_score import RiskBand
from schemas.event_frame import EVENT_TYPES, ID_COLUMNS
from scoring.driver_scores import DriverScores
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


MOST_EXAMINED: Final = 1024
"""Of a larger batch so many events are drawn: within 5 % of the share, and much closer over some batches."""

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
    hashes = np.zeros(len(events), np.uint64)
    hash_texts(events.content, starts, sizes, hashes)
    _, first, number, counts = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    clients = [
        CLIENTS.of(events.content[starts[row] : starts[row] + sizes[row]].tobytes().decode()) for row in first.tolist()
    ]
    for client, count in zip(clients, counts.tolist(), strict=True):
        metrics.SAMPLES.labels(client).inc(count)
    missing = {sensor: np.isnan(events.samples[column]) for sensor, column in SENSORS.items()}
    missing[POSITION] = np.isnan(events.positions[:, 0])
    for sensor, is_missing in missing.items():
        for client, count in zip(
            clients, np.bincount(number[is_missing], minlength=len(clients)).tolist(), strict=True
        ):
            metrics.SAMPLES_WITHOUT.labels(client, sensor).inc(count)


def count_scores(scores: DriverScores, rows: Sequence[int]) -> None:
    """Count these rows by kind and status, and the bands of final trip scores by client."""
    kind, status, final, client_id, band = (
        scores.columns[name] for name in ("kind", "status", "final", "client_id", "band")
    )
    for labels, count in Counter((kind[row], status[row]) for row in rows).items():
        metrics.SCORES.labels(*labels).inc(count)
    rated = Counter(
        (client_id[row], band[row]) for row in rows if final[row] and kind[row] == "trip" and band[row] is not None
    )
    for (client, its_band), count in rated.items():
        label = CLIENTS.of(client)
        for other in BANDS:  # a client without high-risk trips has a share of 0, to which a rise is held
            metrics.FINAL_SCORES.labels(label, other)
        metrics.FINAL_SCORES.labels(label, its_band).inc(count)
