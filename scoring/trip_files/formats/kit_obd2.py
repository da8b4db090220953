"""Whole trips from one car's OBD-II port, one row a second.

Karlsruhe Institute of Technology, doi 10.35097/1130, CC BY 4.0 (attribution: Marc Weber, KIT), as one CSV file.
"""

from pathlib import Path
from typing import Final

import polars as pl

from scoring.errors import InputFileError
from scoring.time_zones import zone_offset_min
from scoring.trip_files.rows.row_rules import judge_rows, with_all_columns
from scoring.trip_files.rows.timestamps import in_zone
from scoring.trip_files.summary import ReadSummary, TripFile

TIME_ZONE: Final = "Europe/Berlin"
"""The car was driven between Karlsruhe and Stuttgart; its logger wrote local time."""

_COLUMNS: Final = ("trip", "date", "time", "speed_kmh")
_MS_PER_DAY: Final = 86_400_000
_MIDNIGHT_JUMP_MS: Final = _MS_PER_DAY // 2
"""A clock going back by more is a new day; the loggers' own corrections are below a second."""


def read_kit_obd2(path: Path) -> TripFile:
    """Read the trips, in the order that the logger wrote.

    ``date`` is that of a trip's start: where the time of day falls back by more than half a day, a day is
    added. Smaller steps back are the logger's and stay. Rows before the first speed measure nothing and are
    dropped, counted. The set has one car and names no driver: all trips are of ``veh_kit_1`` and ``drv_kit_1``.

    Raises
    ------
    InputFileError
        If the file is not CSV or lacks a column.
    """
    try:
        rows = pl.read_csv(path, columns=list(_COLUMNS), infer_schema=False)
    except pl.exceptions.ColumnNotFoundError as error:
        columns = ", ".join(pl.read_csv(path, n_rows=0).columns)
        raise InputFileError(
            path,
            f"format kit-obd2 needs the columns {', '.join(_COLUMNS)}",
            remedy=f"Its columns are {columns}. For a file of another shape, --format csv and --map.",
        ) from error
    except (pl.exceptions.PolarsError, OSError) as error:
        problem = str(error).partition("\n")[0]
        raise InputFileError(
            path, f"can't be read as CSV ({problem})", remedy="Format kit-obd2 is CSV, gzipped or not."
        ) from error
    time_of_day_ms = pl.col("time").str.to_time("%H:%M:%S%.f", strict=False).cast(pl.Int64) // 1_000_000
    midnights = (
        (time_of_day_ms.forward_fill().diff() < -_MIDNIGHT_JUMP_MS).fill_null(value=False).cum_sum().over("trip")
    )
    local_time = pl.col("date").str.to_datetime("%Y-%m-%d", time_unit="ms", strict=False) + pl.duration(
        milliseconds=time_of_day_ms, days=midnights, time_unit="ms"
    )
    events = rows.with_columns(timestamp_ms=in_zone(local_time, TIME_ZONE).dt.epoch("ms")).with_columns(
        trip_id="trip_" + pl.col("trip"),
        vehicle_id=pl.lit("veh_kit_1"),
        driver_id=pl.lit("drv_kit_1"),
        client_id=pl.lit("client_kit"),
        vehicle_class=pl.lit("car"),
        utc_offset_min=zone_offset_min(pl.col("timestamp_ms"), TIME_ZONE),
        speed_kmh=pl.col("speed_kmh").cast(pl.Float32, strict=False),
    )
    judged = judge_rows(with_all_columns(events))
    return TripFile(judged.events, ReadSummary.of_rows(rows.height, judged))
