"""Files of trips in, event frames out.

``formats`` has a reader for each format; those of tables read them by ``tables``, as ``column_maps`` say, and all make
events of ``rows``.
"""

from scoring.trip_files.column_maps.column_map import (
    ColumnMap,
    FieldSource,
    Pivot,
    RowFilter,
    merge_column_maps,
)
from scoring.trip_files.column_maps.map_file import read_column_map
from scoring.trip_files.column_maps.map_words import parse_column_map
from scoring.trip_files.formats.fleet import DEFAULT_FLEET_PATH
from scoring.trip_files.formats.json_lines import read_lines
from scoring.trip_files.reading import FILE_FORMATS, read_trip_file, read_trips
from scoring.trip_files.rows.row_order import typical_interval_s
from scoring.trip_files.summary import LOUD_SHARE, ReadSummary, TripFile

__all__ = [
    "DEFAULT_FLEET_PATH",
    "FILE_FORMATS",
    "LOUD_SHARE",
    "ColumnMap",
    "FieldSource",
    "Pivot",
    "ReadSummary",
    "RowFilter",
    "TripFile",
    "merge_column_maps",
    "parse_column_map",
    "read_column_map",
    "read_lines",
    "read_trip_file",
    "read_trips",
    "typical_interval_s",
]
