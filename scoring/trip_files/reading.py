"""The one entry to files of trips: a format's name in, an event frame out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

import polars as pl

from scoring.errors import InputFileError
from scoring.trip_files.column_maps.column_map import ColumnMap, merge_column_maps
from scoring.trip_files.column_maps.presets import PRESETS
from scoring.trip_files.formats.fleet import read_fleet
from scoring.trip_files.formats.gpx import read_gpx
from scoring.trip_files.formats.json_lines import read_json_lines
from scoring.trip_files.formats.json_readings import read_json_readings
from scoring.trip_files.formats.kit_obd2 import read_kit_obd2
from scoring.trip_files.formats.naturalistic_100car import read_100car
from scoring.trip_files.formats.nmea import read_nmea
from scoring.trip_files.formats.tabular import read_csv, read_parquet
from scoring.trip_files.rows.row_order import in_order_of_time, out_of_order
from scoring.trip_files.summary import TripFile


class _MappedReader(Protocol):
    def __call__(self, path: Path, column_map: ColumnMap, *, time_order: bool) -> TripFile: ...


_FIXED_FORMATS: Final[dict[str, Callable[[Path], TripFile]]] = {
    "fleet": read_fleet,
    "jsonl": read_json_lines,
    "100car": read_100car,
    "kit-obd2": read_kit_obd2,
}
_MAPPED_FORMATS: Final[dict[str, _MappedReader]] = {
    "csv": read_csv,
    "parquet": read_parquet,
    "gpx": read_gpx,
    "nmea": read_nmea,
}
_PRESET_READERS: Final[dict[str, _MappedReader]] = {"csv": read_csv, "json-readings": read_json_readings}

FILE_FORMATS: Final = (*_FIXED_FORMATS, *_MAPPED_FORMATS, *PRESETS)
"""Names of the formats."""


def read_trip_file(
    path: Path, *, file_format: str, column_map: ColumnMap | None = None, time_order: bool | None = None
) -> TripFile:
    """Read a file's events, with an account of every row.

    Parameters
    ----------
    path
        The file.
    file_format
        One of `FILE_FORMATS`.
    column_map
        For formats of any columns; without one, columns must have the names of the event's fields. Over the map of
        a preset, a GPX or an NMEA file.
    time_order
        Whether rows are put in order of time. Default: yes; no for ``fleet``, ``jsonl``, ``100car`` and ``kit-obd2``,
        which are records of what devices sent.

    Returns
    -------
    TripFile
        Events, exactly `EVENT_SCHEMA`, and the `ReadSummary`.

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
    if file_format in _FIXED_FORMATS:
        if column_map is not None:
            raise InputFileError(
                path,
                f"format {file_format} takes no column map",
                remedy="Leave out the map, or say --format csv or parquet.",
            )
        trip_file = _with_order(_FIXED_FORMATS[file_format](path), time_order=bool(time_order))
    else:
        reader, given = _MAPPED_FORMATS.get(file_format), column_map or ColumnMap()
        if reader is None:
            preset = PRESETS[file_format]
            reader, given = _PRESET_READERS[preset.reads], merge_column_maps(preset.column_map, given)
        trip_file = reader(path, given, time_order=time_order is not False)
    if trip_file.events.is_empty() and trip_file.summary.rows_read:
        raise InputFileError(path, f"not one row is an event: {trip_file.summary}", remedy="See docs/replay.md.")
    return trip_file


def read_trips(path: Path, *, file_format: str, column_map: ColumnMap | None = None) -> pl.DataFrame:
    """Read a file's events where nobody is to be told of dropped rows; else as `read_trip_file`."""
    return read_trip_file(path, file_format=file_format, column_map=column_map).events


def _with_order(trip_file: TripFile, *, time_order: bool) -> TripFile:
    """Count the rows that are out of order, and put them in order if asked."""
    disordered = out_of_order(trip_file.events)
    if not disordered:
        return trip_file
    what = "put in order of time" if time_order else "out of order, kept so"
    summary = replace(trip_file.summary, changed={**trip_file.summary.changed, what: disordered})
    return TripFile(in_order_of_time(trip_file.events) if time_order else trip_file.events, summary)
