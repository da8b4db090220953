"""Traces with one JSON object a reading, its name, value and time, as OpenXC writes them."""

from pathlib import Path
from typing import Final

import polars as pl

from scoring.errors import InputFileError
from scoring.trip_files.column_maps.column_map import ColumnMap
from scoring.trip_files.mapped_events import mapped_events
from scoring.trip_files.summary import TripFile
from scoring.trip_files.tables.file_text import first_line, read_text
from scoring.trip_files.tables.text_table import Table

_SCHEMA: Final = {"timestamp": pl.Float64(), "name": pl.String(), "value": pl.String()}


def read_json_readings(path: Path, column_map: ColumnMap, *, time_order: bool = True) -> TripFile:
    """Read the readings that the map names; objects without a name, such as a trace's metadata, are left out.

    Raises
    ------
    InputFileError
        If the file is not such a trace.
    """
    text = read_text(path)
    try:
        rows = pl.read_ndjson(text.content, schema=_SCHEMA, ignore_errors=True)
    except pl.exceptions.PolarsError as error:
        raise InputFileError(
            path, f"can't be read as JSON readings ({first_line(error)})", remedy="A line is one JSON object."
        ) from error
    readings = rows.filter(pl.col("name").is_not_null() & pl.col("timestamp").is_not_null())
    if readings.is_empty():
        raise InputFileError(path, "has no readings", remedy="A line needs name, value and timestamp.")
    left_out = rows.height - readings.height
    remarks = (f"{left_out:,} lines without a name or time left out",) if left_out else ()
    return mapped_events(path, Table(readings, 1, remarks=remarks), column_map, time_order=time_order)
