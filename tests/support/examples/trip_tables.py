"""Rows of drives as people's files have them, and files written of them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scoring.trip_files import TripFile, parse_column_map, read_trip_file

START_S = int(datetime(2026, 3, 2, 7, 15, tzinfo=UTC).timestamp())
IDS = ("trip_id==trip_1", "vehicle_id==veh_1", "client_id==client_1")
TIME_AND_SPEED = ("timestamp=ts:s", "speed_kmh=v")


def speeds(seconds: int) -> list[float]:
    """Give a speed each second: up to 54 km/h and down to a stop, every 90 s, at 1 m/s²."""
    return [3.6 * max(0, min(phase, 15, 75 - phase)) for phase in (second % 90 for second in range(seconds))]


def drive(seconds: int = 180, *, start_s: int = START_S) -> list[tuple[int, float]]:
    """Give epoch seconds and speeds of a drive."""
    return list(zip(range(start_s, start_s + seconds), speeds(seconds), strict=True))


def csv_text(rows: Iterable[Iterable[object]], *, header: str = "ts,v", separator: str = ",") -> str:
    """Write rows below a header."""
    lines = (separator.join("" if cell is None else str(cell) for cell in row) for row in rows)
    return "\n".join([header, *lines, ""])


def read_content(
    folder: Path, content: str | bytes, *maps: str, name: str = "trips.csv", file_format: str = "csv", **options: Any
) -> TripFile:
    """Read a file of this content through a column map."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    time_order = options.pop("time_order", None)
    return read_trip_file(
        path, file_format=file_format, column_map=parse_column_map(maps, **options), time_order=time_order
    )
