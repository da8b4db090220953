"""What the commands that read trip files have in common: the format by the name, and the column map."""

from pathlib import Path
from typing import Final

from scoring.errors import InputFileError
from scoring.trip_files import FILE_FORMATS, ColumnMap, merge_column_maps, parse_column_map, read_column_map

_SUFFIX_FORMATS: Final = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
}


def format_of(path: Path) -> str:
    """Tell a file's format from its name.

    Raises
    ------
    InputFileError
        When the name does not tell.
    """
    suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
    file_format = _SUFFIX_FORMATS.get(suffixes[-1].lower()) if suffixes else None
    if file_format is None:
        raise InputFileError(
            path, "its name does not tell its format", remedy=f"Add --format, one of {', '.join(FILE_FORMATS)}."
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
    """Put the column map together from the options; None where none was given."""
    given = parse_column_map(maps or (), unknown=unknown or (), time_zone=time_zone, trip_gap_s=trip_gap_s)
    if map_file is not None:
        return merge_column_maps(read_column_map(map_file), given)
    return None if given == ColumnMap() else given
