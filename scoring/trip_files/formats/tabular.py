"""CSV and Parquet files of any shape, read through a column map."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from scoring.errors import InputFileError
from scoring.trip_files.column_maps.column_map import ColumnMap
from scoring.trip_files.mapped_events import mapped_events
from scoring.trip_files.summary import TripFile
from scoring.trip_files.tables.field_sources import field_sources, wanted_columns
from scoring.trip_files.tables.file_text import first_line
from scoring.trip_files.tables.text_table import Table, read_text_table


def read_csv(path: Path, column_map: ColumnMap, *, time_order: bool = True) -> TripFile:
    """Read a CSV file as people have it; see `text_table` for what may be around its rows.

    Raises
    ------
    InputFileError
        If the file is no such CSV file, or does not fit the column map.
    """
    table = read_text_table(path, wanted_columns(column_map), skip_lines=column_map.skip_lines)
    return mapped_events(path, table, column_map, time_order=time_order)


def read_parquet(path: Path, column_map: ColumnMap, *, time_order: bool = True) -> TripFile:
    """Read a Parquet file.

    Raises
    ------
    InputFileError
        If the file is no Parquet file, or does not fit the column map.
    """
    try:
        schema = pl.read_parquet_schema(path)
        rows = pl.read_parquet(path, columns=_needed(path, column_map, schema))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputFileError(
            path, f"can't be read as Parquet ({first_line(error)})", remedy="Check the file and --format."
        ) from error
    return mapped_events(path, Table(rows, first_row=1), column_map, time_order=time_order)


def _needed(path: Path, column_map: ColumnMap, schema: Mapping[str, pl.DataType]) -> list[str]:
    """Return the columns that may be used: those of the map, and texts, which may name readings."""
    if column_map.pivot is None:
        field_sources(path, column_map, pl.DataFrame(schema=schema))
    wanted = wanted_columns(column_map)
    return [name for name, dtype in schema.items() if name in wanted or dtype == pl.String]
