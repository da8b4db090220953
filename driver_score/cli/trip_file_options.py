"""Options of the commands that read trip files, the format by the file name, the column map."""

from pathlib import Path
from typing import Annotated, Final

import typer

from scoring.errors import InputFileError
from scoring.trip_files import FILE_FORMATS, ColumnMap, merge_column_maps, parse_column_map, read_column_map

_SUFFIX_FORMATS: Final = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
}

FormatOption = Annotated[
    str | None,
    typer.Option("--format", "-f", help=f"One of {', '.join(FILE_FORMATS)}; by default from the file's name."),
]
MapsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map", help="For csv and parquet: field=column, field=column:unit or field==constant. Can be repeated."
    ),
]
UnknownOption = Annotated[
    list[str] | None, typer.Option(help="field=text: this text means unknown, e.g. speed_kmh=-1. Can be repeated.")
]
MapFileOption = Annotated[Path | None, typer.Option(help="Column map as a TOML file; --map takes precedence.")]
TimeZoneOption = Annotated[str | None, typer.Option(help="Time zone of timestamps without offset, e.g. Europe/Berlin.")]
TripGapOption = Annotated[
    float | None, typer.Option(help="For files without trip ids: a longer gap ends a vehicle's trip.")
]
SpeedOption = Annotated[str, typer.Option(help="`realtime`, a multiple of real time such as 60, or `max`.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one line of JSON on standard output.")]


def format_of(path: Path) -> str:
    """Return the format of a file by its name.

    Raises
    ------
    InputFileError
        If the name has no known suffix.
    """
    suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
    file_format = _SUFFIX_FORMATS.get(suffixes[-1].lower()) if suffixes else None
    if file_format is None:
        raise InputFileError(
            path, "its format is not known from its name", remedy=f"Add --format, one of {', '.join(FILE_FORMATS)}."
        )
    return file_format


def refuse_missing(path: Path) -> None:
    """Raise `InputFileError` when there is no such file."""
    if not path.is_file():
        raise InputFileError(path, "there is no such file", remedy="Check the path.")


def column_map_of(
    maps: list[str] | None,
    unknown: list[str] | None,
    map_file: Path | None,
    time_zone: str | None,
    trip_gap_s: float | None,
) -> ColumnMap | None:
    """Return the column map of the options; null if none was given."""
    given = parse_column_map(maps or (), unknown=unknown or (), time_zone=time_zone, trip_gap_s=trip_gap_s)
    if map_file is not None:
        return merge_column_maps(read_column_map(map_file), given)
    return None if given == ColumnMap() else given
