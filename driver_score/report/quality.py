"""What the vehicles sent: what could not be read, which sensors are missing, where time is missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from driver_score.losses import Loss, worker_losses
from driver_score.report.gaps import is_gap
from schemas.thresholds import ThresholdProfile

SENSORS: Final[dict[str, str]] = {
    "speed_kmh": "speed",
    "acceleration_mps2": "accelerometer",
    "lateral_acceleration_mps2": "lateral accelerometer",
    "latitude": "position",
    "speed_limit_kmh": "speed limit",
}
"""Column of the event frame and what it tells, in the order of the table."""

_SAMPLING: Final = (
    (0.3, "several times a second"),
    (1.5, "about once a second"),
    (3.0, "every 2 to 3 s"),
    (float("inf"), "more than 3 s apart"),
)
"""Upper limits of a vehicle's median interval, s. Beyond 3 s, acceleration can't be told from speed any more."""


@dataclass(frozen=True)
class InputQuality:
    """What the pipeline counted while it read the input.

    Attributes
    ----------
    events
        Events that were read, duplicates and late ones included.
    rejected, rejects_by_code
        Events that went to the dead-letter topic, and their codes.
    duplicates
        Events that were there already.
    late
        Events that came after their window's grace period.
    faults
        Events by field and fault of optional fields that count as unknown.
    file_losses
        What the reader of a file did not make events of.
    trips
        Trips that were scored, also those without a score.
    device_faults
        Faults of devices by kind, as ``driver_score_worker_device_faults_total`` counts them.
    late_trips
        Final scores that missed late events, by outcome; None if not known.
    """

    events: int
    rejected: int
    rejects_by_code: dict[str, int]
    duplicates: int
    late: int
    faults: Mapping[tuple[str, str], int] = field(default_factory=dict)
    file_losses: tuple[Loss, ...] = ()
    trips: int = 0
    device_faults: Mapping[str, int] = field(default_factory=dict)
    late_trips: Mapping[str, int] | None = None

    @property
    def losses(self) -> list[Loss]:
        """What did not count as it was sent: of the file, then of the messages, the largest first."""
        of_worker = worker_losses(
            events=self.events,
            rejects=self.rejects_by_code,
            duplicates=self.duplicates,
            late=self.late,
            faults=self.faults,
            trips=self.trips,
            device_faults=self.device_faults,
            late_trips=self.late_trips,
        )
        return [*self.file_losses, *of_worker]

    @property
    def usable_share(self) -> float | None:
        """Share of what came that could be read; None where nothing came."""
        received = self.events + self.rejected
        return self.events / received if received else None


@dataclass(frozen=True)
class SensorRow:
    """A client's vehicles and, for each of `SENSORS`, the share of their samples that has it."""

    client: str
    vehicles: int
    shares: tuple[float, ...]


@dataclass(frozen=True)
class SensorQuality:
    """What the event frame itself tells of the sensors.

    Attributes
    ----------
    clients
        A row a client.
    vehicles
        Vehicles seen.
    vehicles_without
        For each of `SENSORS`, vehicles that never sent it.
    sampling
        How often samples come, and the vehicles for which that is so.
    median_interval_s
        Median over all samples; None where no trip has two.
    gap_count, gap_trips, gap_minutes
        Gaps within trips, the trips with one, and their time.
    fault_count, fault_vehicles
        Accelerations beyond the profile's ``fault_mps2``, and the vehicles with one.
    """

    clients: tuple[SensorRow, ...]
    vehicles: int
    vehicles_without: tuple[int, ...]
    sampling: tuple[tuple[str, int], ...]
    median_interval_s: float | None
    gap_count: int
    gap_trips: int
    gap_minutes: float
    fault_count: int
    fault_vehicles: int


def sensor_quality(events: pl.DataFrame, names: dict[str, str], profile: ThresholdProfile) -> SensorQuality:
    """Measure the sensors' quality.

    Parameters
    ----------
    events
        Event frame, in any order.
    names
        Of clients, by id.
    profile
        Where gaps and faults begin.
    """
    samples = events.filter(event_type="sample")
    has = [pl.col(column).is_not_null().mean().alias(column) for column in SENSORS]
    clients = samples.group_by("client_id").agg(*has, vehicles=pl.col("vehicle_id").n_unique()).sort("client_id")
    by_vehicle = samples.group_by("vehicle_id").agg(*has)
    fault = (pl.col("acceleration_mps2").abs() > profile.fault_mps2) | (
        pl.col("lateral_acceleration_mps2").abs() > profile.fault_mps2
    )
    faults = samples.filter(fault)

    intervals = _intervals(samples)
    gaps = intervals.filter(is_gap(pl.col("seconds"), profile).over("vehicle_id", "trip_id"))
    medians = intervals.group_by("vehicle_id").agg(pl.col("seconds").median())["seconds"]
    return SensorQuality(
        clients=tuple(
            SensorRow(names[row["client_id"]], row["vehicles"], tuple(row[column] for column in SENSORS))
            for row in clients.iter_rows(named=True)
        ),
        vehicles=by_vehicle.height,
        vehicles_without=tuple(int((by_vehicle[column] == 0).sum()) for column in SENSORS),
        sampling=_sampling(medians),
        median_interval_s=_median_s(intervals),
        gap_count=gaps.height,
        gap_trips=gaps.n_unique(["vehicle_id", "trip_id"]) if gaps.height else 0,
        gap_minutes=float(gaps["seconds"].sum()) / 60,
        fault_count=faults.height,
        fault_vehicles=faults["vehicle_id"].n_unique(),
    )


def _median_s(intervals: pl.DataFrame) -> float | None:
    median_s = intervals["seconds"].median()
    return float(median_s) if isinstance(median_s, int | float) else None


def _intervals(samples: pl.DataFrame) -> pl.DataFrame:
    """Return the seconds between neighbouring samples of a trip: ``vehicle_id``, ``trip_id``, ``seconds`` above 0."""
    trip = ["vehicle_id", "trip_id"]
    times = samples.select(*trip, "timestamp_ms").sort(*trip, "timestamp_ms")
    same_trip = (pl.col("trip_id") == pl.col("trip_id").shift()) & (
        pl.col("vehicle_id") == pl.col("vehicle_id").shift()
    )
    return times.select(*trip, seconds=pl.when(same_trip).then(pl.col("timestamp_ms").diff() / 1000)).filter(
        pl.col("seconds") > 0
    )


def _sampling(medians_s: pl.Series) -> tuple[tuple[str, int], ...]:
    classes, lowest = [], 0.0
    for highest, name in _SAMPLING:
        vehicles = int(((medians_s > lowest) & (medians_s <= highest)).sum())
        if vehicles:
            classes.append((name, vehicles))
        lowest = highest
    return tuple(classes)
