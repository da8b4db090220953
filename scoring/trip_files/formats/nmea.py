"""NMEA 0183: what a receiver of GPS writes, of which RMC sentences have time, position and speed."""

from collections import Counter
from pathlib import Path
from typing import Final

import polars as pl

from schemas.errors import MissingExtraError
from scoring.errors import InputFileError
from scoring.trip_files.column_maps.column_map import ColumnMap, merge_column_maps
from scoring.trip_files.formats.gpx import TRACK_MAP, TRACK_SCHEMA
from scoring.trip_files.mapped_events import mapped_events
from scoring.trip_files.rows.positions import with_speeds
from scoring.trip_files.summary import TripFile
from scoring.trip_files.tables.file_text import read_text
from scoring.trip_files.tables.text_table import Table

_KNOTS_TO_MPS: Final = 1.852 / 3.6


def read_nmea(path: Path, column_map: ColumnMap, *, time_order: bool = True) -> TripFile:
    """Read the RMC sentences of a file; other sentences are left out.

    A line may have anything before its ``$``, such as a logger's own time. Sentences with a wrong checksum are
    dropped, and those that the receiver marks as not valid, counted.

    Raises
    ------
    MissingExtraError
        If the package pynmeagps is not installed.
    InputFileError
        If the file has no RMC sentence.
    """
    text = read_text(path)
    try:
        from pynmeagps import NMEAReader  # noqa: PLC0415
        from pynmeagps.exceptions import NMEAMessageError, NMEAParseError, NMEATypeError  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("--format nmea", "files") from error
    lines = pl.Series("line", text.content.decode().splitlines(), dtype=pl.String)
    sentences = lines.str.extract(r"(\$[A-Z]{2}RMC,[^$]*)$").drop_nulls().str.strip_chars()
    if not len(sentences):
        raise InputFileError(path, "has no RMC sentence", remedy="Let the receiver write RMC: time, date and speed.")
    dropped: Counter[str] = Counter()
    points = []
    for sentence in sentences:
        try:
            message = NMEAReader.parse(sentence.encode() + b"\r\n")
        except (NMEAMessageError, NMEAParseError, NMEATypeError, ValueError):
            dropped["damaged sentences"] += 1
            continue
        if message.status != "A" or not message.date or not message.time:
            dropped["without a valid fix"] += 1
            continue
        speed_kn, course_deg = message.spd, message.cog
        points.append(
            (
                f"{message.date.isoformat()}T{message.time.isoformat()}",
                _number(message.lat),
                _number(message.lon),
                None if _number(speed_kn) is None else float(speed_kn) * _KNOTS_TO_MPS,
                _number(course_deg),
            )
        )
    schema = {**TRACK_SCHEMA, "timestamp": pl.String()}
    rows = pl.DataFrame(points, schema=schema, orient="row").with_columns(
        pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ms", time_zone="UTC")
    )
    rows, remarks = with_speeds(rows)
    other = len(lines.filter(lines.str.contains("$", literal=True))) - len(sentences)
    remarks = (*remarks, f"{other:,} sentences that are not RMC left out") if other else remarks
    table = Table(rows, 1, dropped=dropped, remarks=remarks)
    return mapped_events(path, table, merge_column_maps(TRACK_MAP, column_map), time_order=time_order)


def _number(given: object) -> float | None:
    return float(given) if isinstance(given, int | float) else None
