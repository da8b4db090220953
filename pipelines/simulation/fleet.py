"""A whole fleet: population, plan, blocks of traffic, devices, files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import polars as pl

from pipelines.simulation.drivers import draw_drivers
from pipelines.simulation.errors import FleetSizeError
from pipelines.simulation.labels import SafetyRecord
from pipelines.simulation.network import build_network
from pipelines.simulation.schedule import MAX_TRIPS_PER_DRIVER, PlannedTrip, make_blocks, plan_trips
from pipelines.simulation.sensors import observe, true_motion
from pipelines.simulation.traffic import RoutePlanner, drive_block

LABEL_SCHEMA: Final = pl.Schema(
    {
        "trip_id": pl.String(),
        "client_id": pl.String(),
        "driver_id": pl.String(),
        "vehicle_id": pl.String(),
        "vehicle_class": pl.String(),
        "device": pl.String(),
        "start_ms": pl.Int64(),
        "utc_offset_min": pl.Int16(),
        "conflict": pl.Boolean(),
        "conflict_count": pl.Int16(),
        "min_ttc_s": pl.Float32(),
        "max_drac_mps2": pl.Float32(),
        "collision": pl.Boolean(),
        "driver_aggressiveness": pl.Float32(),
        "driver_distraction": pl.Float32(),
        "trip_aggressiveness": pl.Float32(),
        "trip_distraction": pl.Float32(),
    }
)
"""Schema of the labels' file; the four latent styles are for the data card, never for a model."""


@dataclass(frozen=True)
class FleetSummary:
    """What a simulation made; ``samples`` counts all rows, ``bytes`` both files, ``conflicts`` the trips with one."""

    trips: int
    drivers: int
    samples: int
    conflicts: int
    bytes: int
    simulated_s: float


def labels_path(output: Path) -> Path:
    """Return where the labels of the fleet in ``output`` are: ``fleet.parquet`` → ``fleet-trips.parquet``."""
    return output.with_name(f"{output.stem}-trips.parquet")


def simulate_fleet(
    output: Path,
    *,
    seed: int,
    drivers: int = 500,
    trips_per_driver: int = 10,
    progress: Callable[[float, str], None] | None = None,
) -> FleetSummary:
    """Drive a fleet through simulated traffic and write its events and labels.

    The events go to ``output`` in `EVENT_SCHEMA`, ordered by trip and time; the labels beside it (`labels_path`)
    in `LABEL_SCHEMA`. The same seed and sizes give the same rows on the same versions of SUMO and NumPy.
    ``progress`` is told the share done, 0 to 1, and what is being done.

    Raises
    ------
    FleetSizeError
        Without drivers or trips, or with more trips than a driver's week has room for.
    SumoMissingError
        When SUMO is not installed.
    SumoFailedError
        When a program of SUMO fails.
    """
    if drivers < 1 or not 1 <= trips_per_driver <= MAX_TRIPS_PER_DRIVER:
        raise FleetSizeError(drivers, trips_per_driver, max_trips_per_driver=MAX_TRIPS_PER_DRIVER)
    report = progress or (lambda _share, _doing: None)
    report(0.0, "building the roads")
    planned = plan_trips(draw_drivers(drivers, seed=seed), trips_per_driver, seed=seed)
    blocks = make_blocks(planned)
    weights = np.array(
        [block.density.background_per_h * len(block.trips) / block.density.fleet_trips + 500 for block in blocks],
        dtype=float,
    )
    done_before = np.concatenate(([0.0], np.cumsum(weights))) / weights.sum()
    observed: list[pl.DataFrame] = []
    labels: list[dict[str, object]] = []
    simulated_s = 0.0
    with TemporaryDirectory(prefix="driver-score-simulate-") as scratch:
        folder = Path(scratch)
        network = build_network(folder, seed=seed)
        planner = RoutePlanner(network)
        for block, share in zip(blocks, done_before.tolist(), strict=False):
            report(share, f"{block.density.name} traffic, block {block.number + 1} of {len(blocks)}")
            driven = drive_block(block, network, planner, folder, seed=seed)
            simulated_s += driven.simulated_s
            by_trip = {trip.trip_id: trip for trip in block.trips}
            for (trip_id,), track in driven.tracks.group_by("trip_id", maintain_order=True):
                trip = by_trip[str(trip_id)]
                rng = np.random.default_rng([seed, 5, int(trip.trip_id.removeprefix("trip_"))])
                observed.append(observe(trip, true_motion(track, network.limits_kmh), rng))
                labels.append(_label(trip, driven.safety.get(trip.trip_id, SafetyRecord())))
    report(1.0, "writing the files")
    events = pl.concat(observed).sort("trip_id", "timestamp_ms")
    trips = pl.DataFrame(labels, schema=LABEL_SCHEMA).sort("trip_id")
    output.parent.mkdir(parents=True, exist_ok=True)
    for frame, path in ((events, output), (trips, labels_path(output))):
        frame.write_parquet(path, compression="zstd", compression_level=ZSTD_LEVEL, row_group_size=ROWS_PER_GROUP)
    return FleetSummary(
        trips=trips.height,
        drivers=trips["driver_id"].n_unique(),
        samples=events.height,
        conflicts=int(trips["conflict"].sum()),
        bytes=output.stat().st_size + labels_path(output).stat().st_size,
        simulated_s=simulated_s,
    )


ZSTD_LEVEL: Final = 19
"""Slow to write, no slower to read; levels above need more memory for hardly a byte."""
ROWS_PER_GROUP: Final = 250_000
"""Groups large enough for dictionaries to pay, small enough to read in parts."""


def _label(trip: PlannedTrip, safety: SafetyRecord) -> dict[str, object]:
    driver = trip.driver
    return {
        "trip_id": trip.trip_id,
        "client_id": driver.client.client_id,
        "driver_id": driver.driver_id,
        "vehicle_id": driver.vehicle_id,
        "vehicle_class": driver.vehicle_class,
        "device": driver.device,
        "start_ms": trip.start_ms,
        "utc_offset_min": driver.client.utc_offset_min,
        "conflict": safety.conflict_count > 0,
        "conflict_count": safety.conflict_count,
        "min_ttc_s": safety.min_ttc_s,
        "max_drac_mps2": safety.max_drac_mps2,
        "collision": safety.collision,
        "driver_aggressiveness": round(driver.style.aggressiveness, 2),
        "driver_distraction": round(driver.style.distraction, 2),
        "trip_aggressiveness": round(trip.style.aggressiveness, 2),
        "trip_distraction": round(trip.style.distraction, 2),
    }
