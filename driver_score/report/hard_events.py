"""When the hard events of a trip were: the core folds its events one by one, and each that counts leaves a mark."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.event_frame import EVENT_TYPES, MEASUREMENT_COLUMNS, VEHICLE_CLASSES
from scoring.events.compilation import kernel
from scoring.events.sample import SAMPLE
from scoring.features.aggregation.aggregates import WINDOW_AGGREGATES
from scoring.features.aggregation.folding import fold
from scoring.features.aggregation.hard_events import HARD_EVENT, HardEventKind
from scoring.features.aggregation.sensor_check import SENSOR_CHECK, Sensor
from scoring.features.aggregation.spikes import ALL_EVENTS, believed_speed
from scoring.features.parameters import KernelParameters
from scoring.features.state.arrays import CURSOR

KINDS: Final[dict[int, str]] = {
    HardEventKind.BRAKE: "hard_brake",
    HardEventKind.ACCELERATION: "hard_acceleration",
    HardEventKind.CORNER: "hard_corner",
}


@dataclass(frozen=True)
class HardEvent:
    """One hard event that counts in the features.

    Attributes
    ----------
    timestamp_ms
        UTC epoch milliseconds of the sample with which it counts, at most a second into the event.
    kind
        ``hard_brake``, ``hard_acceleration`` or ``hard_corner``.
    """

    timestamp_ms: int
    kind: str


def distinct_events(events: pl.DataFrame) -> pl.DataFrame:
    """Sort a trip's events and merge duplicates as the core does: same time and type is one, larger values kept.

    Of accelerations, which have a sign, the stronger is the larger.
    """
    order = pl.col("event_type").cast(pl.Enum(EVENT_TYPES))
    first = pl.col("vehicle_class", "utc_offset_min").first()
    signed = [name for name in MEASUREMENT_COLUMNS if name.endswith("_mps2")]
    strongest = [pl.col(name).sort_by(pl.col(name).abs(), pl.col(name)).last() for name in signed]
    return (
        events.group_by("timestamp_ms", order)
        .agg(first, pl.col(*set(MEASUREMENT_COLUMNS).difference(signed)).max(), *strongest)
        .sort("timestamp_ms", "event_type")
    )


def hard_events_of(trip: pl.DataFrame, parameters: KernelParameters) -> list[HardEvent]:
    """Find the hard events of one trip, ours and the device's, merged as in the features.

    Parameters
    ----------
    trip
        What `distinct_events` gives of one trip.
    parameters
        Thresholds.
    """
    if trip.is_empty():
        return []
    linked = np.zeros(1 + trip.height, SAMPLE)
    linked["following"][1:-1] = range(2, 1 + trip.height)
    samples = linked[1:]
    samples["timestamp_ms"] = trip["timestamp_ms"].to_numpy()
    samples["event_type"] = trip["event_type"].to_physical().to_numpy()
    samples["duration_ms"] = (trip["duration_s"].fill_null(0) * 1000).round().cast(pl.Int32).to_numpy()
    for name in set(MEASUREMENT_COLUMNS) & set(SAMPLE.names or ()):
        samples[name] = trip[name].fill_null(np.nan).to_numpy()
    counted = np.zeros((trip.height, len(KINDS)), np.bool_)
    _mark(
        linked,
        VEHICLE_CLASSES.index(trip["vehicle_class"][0]),
        parameters,
        np.zeros(1, CURSOR),
        np.zeros((1, len(Sensor)), SENSOR_CHECK),
        np.zeros((1, len(KINDS)), HARD_EVENT),
        np.zeros(1, WINDOW_AGGREGATES),
        counted,
    )
    return [HardEvent(int(samples["timestamp_ms"][row]), KINDS[kind]) for row, kind in np.argwhere(counted).tolist()]


@kernel
def _mark(
    linked: Any,
    vehicle_class: int,
    parameters: KernelParameters,
    cursor: Any,
    checks: Any,
    hard_events: Any,
    sums: Any,
    counted: NDArray[np.bool_],
) -> None:
    """Fold a trip, linked from place 1; set ``counted[sample, kind]`` where one makes an event of that kind count."""
    total = sums[0]
    for row in range(linked.size - 1):
        brakes, accelerations, corners = total.brake_count, total.acceleration_count, total.corner_count
        speed_kmh = believed_speed(cursor[0], linked, row + 1, ALL_EVENTS, parameters)
        fold(cursor[0], checks[0], hard_events[0], total, linked[row + 1], speed_kmh, vehicle_class, parameters)
        counted[row, HardEventKind.BRAKE] = total.brake_count > brakes
        counted[row, HardEventKind.ACCELERATION] = total.acceleration_count > accelerations
        counted[row, HardEventKind.CORNER] = total.corner_count > corners
