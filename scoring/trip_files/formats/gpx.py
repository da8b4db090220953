"""GPX tracks: positions over time, with speeds where the device wrote them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from schemas.errors import MissingExtraError
from scoring.errors import InputFileError
from scoring.trip_files.column_maps.column_map import ColumnMap, FieldSource, merge_column_maps
from scoring.trip_files.mapped_events import mapped_events
from scoring.trip_files.rows.positions import with_speeds
from scoring.trip_files.summary import TripFile
from scoring.trip_files.tables.file_text import first_line, read_text
from scoring.trip_files.tables.text_table import Table

if TYPE_CHECKING:
    from gpxpy.gpx import GPXTrackPoint

TRACK_MAP: Final = ColumnMap(
    sources={
        "timestamp": FieldSource("timestamp"),
        "speed_kmh": FieldSource("speed_mps", "m/s"),
        "heading_deg": FieldSource("course_deg"),
        "vehicle_id": FieldSource(constant="veh_1"),
        "client_id": FieldSource(constant="client_1"),
    },
    trip_gap_s=300.0,
)
"""How the rows of tracks are read: of one vehicle, trips by gaps, unless the user says else."""

TRACK_SCHEMA: Final = pl.Schema(
    {
        "timestamp": pl.Datetime("ms", "UTC"),
        "latitude": pl.Float64(),
        "longitude": pl.Float64(),
        "speed_mps": pl.Float64(),
        "course_deg": pl.Float64(),
    }
)
"""Columns of a track's rows."""


def read_gpx(path: Path, column_map: ColumnMap, *, time_order: bool = True) -> TripFile:
    """Read the points of all tracks of a GPX file.

    Speed and course are those of GPX 1.0, or of an extension of GPX 1.1 with elements ``speed`` (m/s) and
    ``course``; a file without speeds gets them from its positions. Points without a time are dropped, counted.

    Raises
    ------
    MissingExtraError
        If the package gpxpy is not installed.
    InputFileError
        If the file is not GPX, or has no point of a track.
    """
    text = read_text(path)
    try:
        import gpxpy  # noqa: PLC0415
        from gpxpy.gpx import GPXException  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("--format gpx", "files") from error
    try:
        tracks = gpxpy.parse(text.content.decode()).tracks
    except GPXException as error:
        raise InputFileError(path, f"can't be read as GPX ({first_line(error)})", remedy="Check the file.") from error
    points = [
        (_epoch_ms(point.time), point.latitude, point.longitude, _measured(point, "speed"), _measured(point, "course"))
        for track in tracks
        for segment in track.segments
        for point in segment.points
    ]
    if not points:
        raise InputFileError(path, "has no points of a track", remedy="Routes and waypoints have no times.")
    rows = pl.DataFrame(points, schema={**TRACK_SCHEMA, "timestamp": pl.Int64()}, orient="row").cast(TRACK_SCHEMA)
    rows, remarks = with_speeds(rows)
    return mapped_events(
        path, Table(rows, 1, remarks=remarks), merge_column_maps(TRACK_MAP, column_map), time_order=time_order
    )


def _measured(point: "GPXTrackPoint", name: str) -> float | None:
    """Return a point's speed or course, of GPX 1.0 or of an extension in any namespace."""
    own = getattr(point, name)
    if own is not None:
        return float(own)
    for extension in point.extensions:
        for element in extension.iter():
            if element.tag.rpartition("}")[2].lower() == name and element.text:
                try:
                    return float(element.text)
                except ValueError:
                    return None
    return None


def _epoch_ms(time: datetime | None) -> int | None:
    """Return epoch milliseconds; a time without an offset is UTC, by the standard."""
    if time is None:
        return None
    return round((time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp() * 1000)
