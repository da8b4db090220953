"""The one entry to files of trips: a format's name in, an event frame out."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl

from scoring.errors import InputFileError
from scoring.trip_files.column_map import ColumnMap
from scoring.trip_files.fleet import read_fleet
from scoring.trip_files.json_lines import read_json_lines
from scoring.trip_files.kit_obd2 import read_kit_obd2
from scoring.trip_files.naturalistic_100car import read_100car
from scoring.trip_files.summary import TripFile
from scoring.trip_files.tabular import read_csv, read_parquet

_FIXED_FORMATS: Final[dict[str, Callable[[Path], TripFile]]] = {
    "fleet": read_fleet,
    "jsonl": read_json_lines,
    "100car": read_100car,
    "kit-obd2": read_kit_obd2,
}
_MAPPED_FORMATS: Final[dict[str, Callable[[Path, ColumnMap], TripFile]]] = {
    "csv": read_csv,
    "parquet": read_parquet,
}

FILE_FORMATS: Final = (*_FIXED_FORMATS, *_MAPPED_FORMATS)
"""Names of the formats."""


def read_trip_file(path: Path, *, file_format: str, column_map: ColumnMap | None = None) -> TripFile:
    """Read a file's events, with an account of every row.

    Parameters
    ----------
    path
        The file.
    file_format
        One of `FILE_FORMATS`.
    column_map
        For ``csv`` and ``parquet``; without one, columns must have the names of the event's fields.

    Returns
    -------
    TripFile
        Events in the file's order, exactly `EVENT_SCHEMA`, and the `ReadSummary`.

    Raises
    ------
    InputFileError
        If the file is missing or not of the format, does not fit the map, or has rows but not one event.
    """
    if file_format not in FILE_FORMATS:
        raise InputFileError(
            path, f"there is no format {file_format}", remedy=f"Formats are {', '.join(FILE_FORMATS)}."
        )
    if not path.is_file():
        raise InputFileError(path, "there is no such file", remedy="Check the path.")
    if file_format in _MAPPED_FORMATS:
        trip_file = _MAPPED_FORMATS[file_format](path, column_map or ColumnMap())
    elif column_map is not None:
        raise InputFileError(
            path,
            f"format {file_format} takes no column map",
            remedy="Leave out the map, or say --format csv or parquet.",
        )
    else:
        trip_file = _FIXED_FORMATS[file_format](path)
    if trip_file.events.is_empty() and trip_file.summary.rows_read:
        raise InputFileError(path, f"not one row is an event: {trip_file.summary}", remedy="See docs/replay.md.")
    return trip_file


def read_trips(path: Path, *, file_format: str, column_map: ColumnMap | None = None) -> pl.DataFrame:
    """Read a file's events where nobody is to be told of dropped rows; else as `read_trip_file`."""
    return read_trip_file(path, file_format=file_format, column_map=column_map).events
