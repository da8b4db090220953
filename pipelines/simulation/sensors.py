"""What a device makes of a drive: samples at 1 Hz with its noise, its gaps and its events.

=========== ========================== ============================ ======================= =================
device      speed                      acceleration                 heading, position       events
=========== ========================== ============================ ======================= =================
obd         whole km/h                 none                         none                    none
telematics  GPS, 0.1 km/h, ± 0.2       ± 0.12 m/s², bias ± 0.04     2°; 1e-4° every 5 s     some: hard_brake
phone       GPS, 0.5 km/h, ± 1.0       ± 0.30 m/s², bias ± 0.10     5°; 1e-4° every 10 s    phone_use
=========== ========================== ============================ ======================= =================

Noise is given as one standard deviation; that of speed is correlated over some seconds, as a GPS filter leaves
it. The deviations are judgement, in the range of data sheets: 0.05 to 0.3 m/s is what receivers promise for speed.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.simulation.schedule import PlannedTrip
from pipelines.simulation.vehicles import STEP_S
from schemas.event_frame import EVENT_SCHEMA, MEASUREMENT_COLUMNS

Floats = NDArray[np.float64]

STEPS_PER_SAMPLE: Final = round(1 / STEP_S)
METRES_PER_DEGREE: Final = 111_320.0
"""Length of a degree of latitude."""
GPS_OUTAGE_CHANCE: Final = 0.06
"""Chance that a trip has a tunnel or a street canyon: 5 to 60 s without speed, heading and position."""
UPLOAD_GAP_CHANCE: Final = 0.04
"""Chance that a device loses 5 to 60 s of samples altogether."""
DROPPED_SHARE: Final = 0.003
NULL_SPEED_SHARE: Final = 0.002
MISSING_END_SHARE: Final = 0.06
"""Share of trips whose ``trip_end`` never comes: ignition events are lost, batteries pulled."""
DEVICE_HARD_BRAKE_MPS2: Final = -3.5
"""Where telematics boxes report a hard brake: the middle of what makers set (2.9 to 4.4 m/s²)."""
HEADING_LEAST_KMH: Final = 5.0
"""GPS course means nothing below walking speed."""
PHONE_MOVING_KMH: Final = 10.0
PHONE_EPISODE_S: Final = 18.0
"""Mean length of one use of the phone while driving."""
PHONE_MOST_SHARE: Final = 0.35
"""Share of driving time that a fully distracted driver spends on the phone."""


@dataclass(frozen=True)
class DeviceNoise:
    """Noise and resolution of a device that has GPS and an accelerometer."""

    speed_kmh: float
    speed_step_kmh: float
    acceleration_mps2: float
    bias_mps2: float
    heading_step_deg: float
    position_every_s: int


DEVICE_NOISE: Final = {
    "telematics": DeviceNoise(0.2, 0.1, 0.12, 0.04, 2.0, 5),
    "phone": DeviceNoise(1.0, 0.5, 0.30, 0.10, 5.0, 10),
}
ACCELERATION_STEP_MPS2: Final = 0.1
"""Resolution of stored accelerations, below every device's noise."""


@dataclass(frozen=True)
class Motion:
    """The true motion at 1 Hz, accelerations averaged over the second around each sample."""

    time_s: Floats
    speed_kmh: Floats
    acceleration_mps2: Floats
    lateral_mps2: Floats
    heading_deg: Floats
    x_m: Floats
    y_m: Floats
    limit_kmh: Floats


def true_motion(track: pl.DataFrame, limits_kmh: dict[str, float]) -> Motion:
    """Reduce one trip's track at the simulation step to 1 Hz.

    ``track`` has the columns of `DrivenBlock.tracks`. Lateral acceleration is speed times yaw rate, positive to
    the right. Accelerations are clipped to ±9 m/s², what dry asphalt can give.
    """
    speed = track["speed_mps"].to_numpy().astype(np.float64)
    heading = np.unwrap(np.radians(track["heading_deg"].to_numpy().astype(np.float64)))
    yaw_rate = np.diff(heading, prepend=heading[0]) / STEP_S
    every = slice(None, None, STEPS_PER_SAMPLE)
    road = track["lane"].str.replace(r"_\d+$", "")
    limit = road.replace_strict(limits_kmh, default=None, return_dtype=pl.Float64)
    limit = limit.fill_null(strategy="forward").fill_null(strategy="backward")
    return Motion(
        time_s=track["time_s"].to_numpy().astype(np.float64)[every],
        speed_kmh=speed[every] * 3.6,
        acceleration_mps2=_over_a_second(track["acceleration_mps2"].to_numpy().astype(np.float64))[every],
        lateral_mps2=_over_a_second(speed * yaw_rate)[every],
        heading_deg=np.degrees(heading)[every] % 360,
        x_m=track["x_m"].to_numpy()[every],
        y_m=track["y_m"].to_numpy()[every],
        limit_kmh=limit.to_numpy()[every],
    )


def observe(trip: PlannedTrip, motion: Motion, rng: np.random.Generator) -> pl.DataFrame:
    """Return what the trip's device records: an event frame in `EVENT_SCHEMA`, in order of time.

    No two rows of a trip have the same time; times are multiples of 100 ms.
    """
    ticks = np.arange(len(motion.time_s))
    columns: dict[str, object] = {
        "timestamp_ms": trip.start_ms + ticks * 1_000 + _jitter_ms(trip.driver.device, len(ticks), rng),
        "event_type": np.full(len(ticks), "sample"),
    }
    measured = _obd(motion) if trip.driver.device == "obd" else _satellite(trip, motion, rng)
    if trip.driver.limit_known:
        measured["speed_limit_kmh"] = motion.limit_kmh
    samples = _nan_to_null(pl.DataFrame({**columns, **measured}))
    samples = samples.filter(_received(len(ticks), rng)).filter(
        pl.any_horizontal(pl.col("speed_kmh", *({"acceleration_mps2"} & set(measured))).is_not_null())
    )
    events = _events(trip, motion, rng)
    offset = trip.driver.client.utc_offset_min
    whole = pl.concat([samples, *events], how="diagonal_relaxed").sort("timestamp_ms", maintain_order=True)
    whole = whole.with_columns(
        trip_id=pl.lit(trip.trip_id),
        vehicle_id=pl.lit(trip.driver.vehicle_id),
        driver_id=pl.lit(trip.driver.driver_id),
        client_id=pl.lit(trip.driver.client.client_id),
        vehicle_class=pl.lit(trip.driver.vehicle_class),
        utc_offset_min=pl.lit(offset),
    )
    absent = [pl.lit(None, dtype=kind).alias(name) for name, kind in EVENT_SCHEMA.items() if name not in whole.columns]
    return whole.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in EVENT_SCHEMA.items())


def _obd(motion: Motion) -> dict[str, Floats]:
    return {"speed_kmh": np.round(motion.speed_kmh)}


def _satellite(trip: PlannedTrip, motion: Motion, rng: np.random.Generator) -> dict[str, Floats]:
    noise = DEVICE_NOISE[trip.driver.device]
    count = len(motion.time_s)
    standing = motion.speed_kmh < 0.5  # noqa: PLR2004  (receivers hold zero at a standstill)
    speed = np.where(standing, 0.0, motion.speed_kmh + noise.speed_kmh * _correlated(count, rng))
    speed = _quantised(np.clip(speed, 0.0, 300.0), noise.speed_step_kmh)
    heading = _quantised(motion.heading_deg, noise.heading_step_deg) % 360
    bias = noise.bias_mps2 * rng.standard_normal(2)
    forward, sideways = (
        _quantised(
            np.clip(true + offset + noise.acceleration_mps2 * rng.standard_normal(count), -9.0, 9.0),
            ACCELERATION_STEP_MPS2,
        )
        for true, offset in zip((motion.acceleration_mps2, motion.lateral_mps2), bias, strict=True)
    )
    client = trip.driver.client
    latitude = client.latitude + motion.y_m / METRES_PER_DEGREE
    longitude = client.longitude + motion.x_m / (METRES_PER_DEGREE * np.cos(np.radians(client.latitude)))
    sparse = np.arange(count) % noise.position_every_s != 0
    dark = _stretch(count, GPS_OUTAGE_CHANCE, rng)
    speed[dark | (rng.random(count) < NULL_SPEED_SHARE)] = np.nan
    heading[dark | (motion.speed_kmh < HEADING_LEAST_KMH)] = np.nan
    return {
        "speed_kmh": speed,
        "acceleration_mps2": forward,
        "lateral_acceleration_mps2": sideways,
        "heading_deg": heading,
        "latitude": np.where(dark | sparse, np.nan, np.round(latitude, 4)),
        "longitude": np.where(dark | sparse, np.nan, np.round(longitude, 4)),
    }


def _events(trip: PlannedTrip, motion: Motion, rng: np.random.Generator) -> list[pl.DataFrame]:
    """Return the trip's event rows; each kind has its own tenth of a second between the samples."""
    ends = [("trip_start", -300)]
    if rng.random() >= MISSING_END_SHARE:
        ends.append(("trip_end", (len(motion.time_s) - 1) * 1_000 + 300))
    frames = [
        pl.DataFrame(
            {
                "timestamp_ms": [trip.start_ms + at_ms for _, at_ms in ends],
                "event_type": [kind for kind, _ in ends],
            }
        )
    ]
    if trip.driver.reports_hard_brakes:
        frames.append(_hard_brakes(trip, motion))
    if trip.driver.device == "phone":
        frames.append(_phone_uses(trip, motion, rng))
    return [frame for frame in frames if frame.height]


def _hard_brakes(trip: PlannedTrip, motion: Motion) -> pl.DataFrame:
    runs = _runs(motion.acceleration_mps2 <= DEVICE_HARD_BRAKE_MPS2)
    return pl.DataFrame(
        {
            "timestamp_ms": [trip.start_ms + first * 1_000 + 600 for first, _ in runs],
            "event_type": ["hard_brake"] * len(runs),
            "event_id": [f"{trip.trip_id}_brake_{number}" for number in range(len(runs))],
            "peak_mps2": [round(float(motion.acceleration_mps2[first:stop].min()), 1) for first, stop in runs],
            "duration_s": [float(stop - first) for first, stop in runs],
        }
    )


def _phone_uses(trip: PlannedTrip, motion: Motion, rng: np.random.Generator) -> pl.DataFrame:
    """Return uses of the phone while moving: start, and how long from there."""
    away = trip.style.distraction
    moving = motion.speed_kmh > PHONE_MOVING_KMH
    expected = PHONE_MOST_SHARE * away**2 * float(moving.sum()) / PHONE_EPISODE_S
    rows = []
    free_from = 0
    for start in np.sort(rng.choice(np.arange(len(moving)), size=rng.poisson(expected))).tolist():
        length_s = int(np.clip(np.round(rng.exponential(PHONE_EPISODE_S)), 3, 90))
        length_s = min(length_s, len(moving) - start)
        if start >= free_from and moving[start] and length_s > 0:
            rows.append((start, length_s))
            free_from = start + length_s + 1
    return pl.DataFrame(
        {
            "timestamp_ms": [trip.start_ms + start * 1_000 + 500 for start, _ in rows],
            "event_type": ["phone_use"] * len(rows),
            "event_id": [f"{trip.trip_id}_phone_{number}" for number in range(len(rows))],
            "duration_s": [float(length_s) for _, length_s in rows],
        }
    )


def _jitter_ms(device: str, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return how late or early samples are; phones are unpunctual, dongles and boxes seldom."""
    spread, share = {"obd": (100, 0.01), "telematics": (100, 0.02), "phone": (200, 0.15)}[device]
    late = rng.integers(-spread // 100, spread // 100 + 1, size=count) * 100
    return np.where(rng.random(count) < share, late, 0)


def _received(count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    return ~(_stretch(count, UPLOAD_GAP_CHANCE, rng) | (rng.random(count) < DROPPED_SHARE))


def _stretch(count: int, chance: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mark one stretch of 5 to 60 s with that chance, else nothing."""
    marked = np.zeros(count, dtype=np.bool_)
    if rng.random() < chance:
        start = int(rng.integers(0, count))
        marked[start : start + int(rng.integers(5, 61))] = True
    return marked


def _correlated(count: int, rng: np.random.Generator) -> Floats:
    """Return noise of unit variance with a memory of about 3 s (first-order autoregression)."""
    memory = 0.7
    drawn = rng.standard_normal(count) * np.sqrt(1 - memory**2)
    drawn[0] /= np.sqrt(1 - memory**2)
    for index in range(1, count):
        drawn[index] += memory * drawn[index - 1]
    return drawn


def _over_a_second(series: Floats) -> Floats:
    padded = np.pad(series, STEPS_PER_SAMPLE // 2, mode="edge")[: len(series) + STEPS_PER_SAMPLE - 1]
    averaged = np.convolve(padded, np.full(STEPS_PER_SAMPLE, 1 / STEPS_PER_SAMPLE), mode="valid")
    return np.clip(averaged, -9.0, 9.0)


def _quantised(series: Floats, step: float) -> Floats:
    return np.round(series / step) * step


def _runs(marked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and one past the last index of each run of marked samples."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marked, [False])).astype(np.int8)))
    return [(int(first), int(stop)) for first, stop in edges.reshape(-1, 2)]


def _nan_to_null(frame: pl.DataFrame) -> pl.DataFrame:
    present = [name for name in (*MEASUREMENT_COLUMNS, "latitude", "longitude") if name in frame.columns]
    return frame.with_columns(pl.col(present).fill_nan(None))
