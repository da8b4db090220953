"""A fleet that sends one sample per second and vehicle, as fields of JSON messages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

START_MS: Final = int(datetime(2026, 3, 2, 7, tzinfo=UTC).timestamp() * 1000)
"""A Monday morning: any time would do, and a fixed one makes every run alike."""

TRIP_S: Final = 1200
"""Twenty minutes, about a usual trip; then the vehicle begins the next one."""

WINDOW_S: Final = 60
"""The vehicles' clocks are spread over a window, so that the windows of a fleet do not end all at once."""

_EVENTS_PER_FRAME: Final = 50_000

_METRES_PER_DEGREE: Final = 111_195.0
_TURN_DEG_PER_S: Final = 1.7


@dataclass(frozen=True)
class Fleet:
    """Who sends.

    Attributes
    ----------
    vehicles
        Each has one open trip at a time.
    """

    vehicles: int

    def frames(self, events: int, *, samples: int = 1) -> Iterator[pl.DataFrame]:
        """Make the fields of the messages; beside them ``vehicle``, its number.

        Parameters
        ----------
        events
            How many.
        samples
            So many seconds of each vehicle come together, then those of the next vehicle, for an envelope each.
        """
        step = _EVENTS_PER_FRAME - _EVENTS_PER_FRAME % samples
        for begin in range(0, events, step):
            number = np.arange(begin, min(begin + step, events))
            burst = number // samples
            yield self._frame(burst % self.vehicles, burst // self.vehicles * samples + number % samples)

    def _frame(self, vehicle: NDArray[np.int64], second: NDArray[np.int64]) -> pl.DataFrame:
        draw = np.random.default_rng([self.vehicles, int(second[0]), int(vehicle[0])])
        phase_s = vehicle * 7919 % TRIP_S
        on_trip_s = second + phase_s
        place_in_wave = on_trip_s / 90 * 2 * np.pi
        way_m = _way_m(on_trip_s) - _way_m(on_trip_s - on_trip_s % TRIP_S)
        speed_kmh = np.clip(50 + 45 * np.sin(place_in_wave) + draw.normal(0, 1, len(vehicle)), 0, None)
        acceleration = 45 / 3.6 * 2 * np.pi / 90 * np.cos(place_in_wave) + draw.normal(0, 0.3, len(vehicle))
        turning = speed_kmh / 3.6 * np.radians(_TURN_DEG_PER_S)
        braking = draw.random(len(vehicle)) < 0.002
        frame = pl.DataFrame(
            {
                "vehicle": vehicle,
                "timestamp_ms": START_MS + second * 1000 + vehicle * 613 % (WINDOW_S * 1000),
                "trip": on_trip_s // TRIP_S,
                "last": on_trip_s % TRIP_S == TRIP_S - 1,
                "speed_kmh": speed_kmh.round(1),
                "acceleration_mps2": (acceleration - 5.0 * braking).round(2),
                "lateral_acceleration_mps2": (turning + draw.normal(0, 0.8, len(vehicle))).round(2),
                "heading_deg": (on_trip_s * _TURN_DEG_PER_S % 360).round(1),
                "latitude": (52.3 + vehicle % 997 * 4e-4 + way_m / _METRES_PER_DEGREE).round(6),
                "longitude": (13.1 + vehicle % 1009 * 6e-4).round(6),
            }
        )
        number = pl.col("vehicle").cast(pl.String).str.zfill(6)
        return frame.select(
            "vehicle",
            trip_id=pl.concat_str(pl.lit("trip-"), number, pl.lit("-"), pl.col("trip").cast(pl.String)),
            vehicle_id=pl.lit("veh-") + number,
            driver_id=pl.lit("drv-") + number,
            client_id=pl.lit("client-") + (pl.col("vehicle") % 7).cast(pl.String),
            timestamp=pl.from_epoch("timestamp_ms", time_unit="ms").dt.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00"),
            event_type=pl.when("last").then(pl.lit("trip_end")).otherwise(pl.lit("sample")),
        ).hstack(frame.drop("vehicle", "timestamp_ms", "trip", "last"))


def _way_m(on_trip_s: NDArray[np.int64]) -> NDArray[np.float64]:
    """Integrate the speed without its noise: positions must agree with it, or nothing is rated from it."""
    return (50 * on_trip_s + 45 * 90 / (2 * np.pi) * (1 - np.cos(on_trip_s / 90 * 2 * np.pi))) / 3.6
