"""The simulated fleet: a Parquet file with the event frame's own columns, of narrower types."""

from pathlib import Path
from typing import Final

import polars as pl

from schemas.event_frame import EVENT_SCHEMA, ID_COLUMNS
from scoring.trip_files.rows.row_rules import judge_rows, with_all_columns
from scoring.trip_files.summary import ReadSummary, TripFile
from scoring.trip_files.tables.parquet_columns import read_needed_columns

DEFAULT_FLEET_PATH: Final = Path(__file__).resolve().parents[2] / "default_fleet" / "fleet.parquet"
"""The simulated fleet that is shipped; read by ``driver-score demo`` and ``replay`` when no file is named."""


def read_fleet(path: Path) -> TripFile:
    """Read a simulated fleet, or any event frame that was written as Parquet.

    Columns that may be null may be missing; other columns, such as labels, are left out.

    Raises
    ------
    InputFileError
        If the file is not Parquet or lacks an id, the class, the time or the event type.
    """
    needed = (*ID_COLUMNS, "vehicle_class", "timestamp_ms", "event_type")
    present = read_needed_columns(path, needed, "fleet")
    optional = [name for name in pl.read_parquet_schema(path) if name in EVENT_SCHEMA and name not in needed]
    rows = present.hstack(pl.read_parquet(path, columns=optional)) if optional else present
    judged = judge_rows(with_all_columns(rows))
    return TripFile(judged.events, ReadSummary.of_rows(rows.height, judged))
