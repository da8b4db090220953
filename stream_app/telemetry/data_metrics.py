"""Counters of the quality of a client's events and of its scores, for alerts.

Prometheus computes the ratios: counters of several workers can be added, ratios can't.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from schemas.event_frame import EVENT_TYPES
from schemas.messages.driver_score import RiskBand
from scoring.driver_scores import DriverScores
from scoring.events import EventColumns, IdPlace, borrowed, hash_text, kernel
from stream_app.telemetry import metrics
from stream_app.telemetry.bounded_labels import CLIENTS

SENSORS: Final = ("speed", "acceleration", "lateral_acceleration", "heading", "speed_limit", "position")
"""Sensors, known by the measurements that samples carry, in the order in which the kernel counts."""

BANDS: Final = get_args(RiskBand)

_SAMPLE_TYPE: Final = EVENT_TYPES.index("sample")


def count_sensors(events: EventColumns) -> None:
    """Count samples, and those that lack a sensor's measurement, by client; other events carry no measurements."""
    clients, counts = sensor_counts(events)
    for client, (samples, *lacking) in zip(clients, counts.tolist(), strict=True):
        label = CLIENTS.of(client)
        metrics.SAMPLES.labels(label).inc(samples)
        for sensor, count in zip(SENSORS, lacking, strict=True):
            metrics.SAMPLES_WITHOUT.labels(label, sensor).inc(count)


def sensor_counts(events: EventColumns) -> tuple[list[str], NDArray[np.int64]]:
    """Count the samples of each client, and those that lack each sensor's measurement.

    Returns
    -------
    clients : list of str
        In the order in which they come.
    counts : ndarray of int64
        Shape (clients, 1 + sensors): samples, then those without each of `SENSORS`.
    """
    starts = np.ascontiguousarray(events.id_starts[:, IdPlace.CLIENT])
    sizes = np.ascontiguousarray(events.id_sizes[:, IdPlace.CLIENT])
    numbers, first = np.full(len(events), -1, np.int32), np.zeros(len(events), np.int64)
    known = _number_clients(events.content, starts, sizes, events.samples, numbers, first)
    counts = np.zeros((known, 1 + len(SENSORS)), np.int64)
    _count_samples(events.samples, numbers, counts)
    places = ((starts[row], sizes[row]) for row in first[:known].tolist())
    return [events.content[start : start + size].tobytes().decode() for start, size in places], counts


@kernel
def _number_clients(content: Any, starts: Any, sizes: Any, samples: Any, numbers: Any, first: Any) -> int:
    """Give each client of samples a number, and the row it is first in; open addressing over their hashes."""
    content = borrowed(content)
    room = 4
    while room < 2 * samples.size:
        room *= 2
    hashes, owners = np.zeros(room, np.uint64), np.zeros(room, np.int32)
    known = 0
    for row in range(samples.size):
        if samples[row].event_type != _SAMPLE_TYPE:
            continue
        hashed = hash_text(content, starts[row], sizes[row])
        place = np.int64(hashed & np.uint64(room - 1))
        while hashes[place] != hashed and hashes[place] != 0:
            place = (place + 1) & (room - 1)
        if hashes[place] == 0:
            hashes[place] = hashed
            owners[place] = known
            first[known] = row
            known += 1
        numbers[row] = owners[place]
    return known


@kernel
def _count_samples(samples: Any, numbers: Any, counts: Any) -> None:
    for row in range(samples.size):
        if numbers[row] < 0:
            continue
        sample, count = samples[row], counts[numbers[row]]
        count[0] += 1
        count[1] += np.isnan(sample.speed_kmh)
        count[2] += np.isnan(sample.acceleration_mps2)
        count[3] += np.isnan(sample.lateral_acceleration_mps2)
        count[4] += np.isnan(sample.heading_deg)
        count[5] += np.isnan(sample.speed_limit_kmh)
        count[6] += np.isnan(sample.latitude)


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
