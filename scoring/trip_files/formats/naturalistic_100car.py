"""The 100-Car Naturalistic Driving Study: 45 s clips of crashes and near-crashes at 10 Hz.

VTTI, doi 10.15787/VTT1/CEU6RB, CC0 1.0, as one Parquet file with the study's units.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl

from scoring.trip_files.column_maps.units import KMH_PER_MPH, STANDARD_GRAVITY_MPS2
from scoring.trip_files.rows.row_rules import MEASUREMENT_RANGES, judge_rows, with_all_columns
from scoring.trip_files.summary import ReadSummary, TripFile
from scoring.trip_files.tables.parquet_columns import read_needed_columns

FIRST_CLIP: Final = 8300
"""Smallest ``event_id`` of the study."""

FIRST_NOON_MS: Final = int(datetime(2003, 1, 1, 12, tzinfo=UTC).timestamp() * 1000)
"""Where the first clip's trip begins: the year in which the study collected."""

_MS_PER_DAY: Final = 86_400_000
_COLUMNS: Final = ("event_id", "vehicle", "driver", "time_s", "speed_mph", "accel_long_g", "accel_lat_g")


def read_100car(path: Path) -> TripFile:
    """Read the clips; each is a trip, since the study names no trips.

    The study has no dates either: clip ``n`` gets the noon (UTC) of day ``n - FIRST_CLIP`` after 2003-01-01,
    plus the seconds since its trip's start. So a clip's time depends on nothing but its id, no two clips of a
    vehicle overlap, and none lies at night, of which the study says nothing.

    Ids get letters first: ``clip_8300``, ``veh_12``, ``drv_12``; a driver that is no number (``.``, blank) is
    ``drv_unknown_12`` of vehicle 12. A speed of -1 is unknown, and so is an acceleration beyond 400 m/s², which
    no message may carry; smaller spikes stay for the core's fault rule. Heading stays unknown: yaw rate would
    only serve cornering, and that has its own sensor here.

    Raises
    ------
    InputFileError
        If the file is not Parquet, or lacks one of the study's columns.
    """
    rows = read_needed_columns(path, _COLUMNS, "100car")
    driver, vehicle = pl.col("driver").str.strip_chars(), pl.col("vehicle").str.strip_chars()
    events = rows.select(
        trip_id=pl.format("clip_{}", "event_id"),
        vehicle_id="veh_" + vehicle,
        driver_id=pl.when(driver.str.contains(r"^\d+$")).then("drv_" + driver).otherwise("drv_unknown_" + vehicle),
        client_id=pl.lit("client_100car"),
        vehicle_class=pl.lit("car"),
        timestamp_ms=FIRST_NOON_MS
        + (pl.col("event_id").cast(pl.Int64) - FIRST_CLIP) * _MS_PER_DAY
        + (pl.col("time_s").cast(pl.Float64) * 1000).round().cast(pl.Int64),
        speed_kmh=pl.when(pl.col("speed_mph") >= 0).then(pl.col("speed_mph").cast(pl.Float64) * KMH_PER_MPH),
        acceleration_mps2=_acceleration("accel_long_g", "acceleration_mps2"),
        lateral_acceleration_mps2=_acceleration("accel_lat_g", "lateral_acceleration_mps2"),
    )
    judged = judge_rows(with_all_columns(events))
    return TripFile(judged.events, ReadSummary.of_rows(rows.height, judged))


def _acceleration(column: str, name: str) -> pl.Expr:
    measured = pl.col(column).cast(pl.Float64) * STANDARD_GRAVITY_MPS2
    return pl.when(measured.is_between(*MEASUREMENT_RANGES[name])).then(measured)
