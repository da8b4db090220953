"""Options of the commands that read trip files, the format by the file name, the column map."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from driver_score.losses import gap_sentence
from schemas.thresholds import ThresholdProfile
from scoring.errors import InputFileError
from scoring.trip_files import (
    FILE_FORMATS,
    ColumnMap,
    ReadSummary,
    TripFile,
    merge_column_maps,
    parse_column_map,
    read_column_map,
    read_trip_file,
    typical_interval_s,
)

_SUFFIX_FORMATS: Final = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".gpx": "gpx",
    ".nmea": "nmea",
    ".tsv": "csv",
}

FormatOption = Annotated[
    str | None,
    typer.Option("--format", "-f", help=f"One of {', '.join(FILE_FORMATS)}; by default from the file's name."),
]
MapsOption = Annotated[
    list[str] | None,
    typer.Option("--map", help="field=column, field=column:unit or field==constant. Can be repeated."),
]
UnknownOption = Annotated[
    list[str] | None, typer.Option(help="field=text: this text means unknown, e.g. speed_kmh=-1. Can be repeated.")
]
ValuesOption = Annotated[
    list[str] | None,
    typer.Option("--value", help="field:text=meaning, e.g. event_type:hardBraking=hard_brake. Can be repeated."),
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(help="column=text or column!=text: read only such rows, e.g. valid=1. Can be repeated."),
]
PivotOption = Annotated[
    str | None, typer.Option(help="For files with a row a reading: columns of its name and value, e.g. PID=VALUE.")
]
MapFileOption = Annotated[Path | None, typer.Option(help="Column map as a TOML file; --map takes precedence.")]
TimeZoneOption = Annotated[str | None, typer.Option(help="Time zone of timestamps without offset, e.g. Europe/Berlin.")]
StartOption = Annotated[
    str | None,
    typer.Option(help="What elapsed time is counted from, e.g. 2026-03-02T07:15:00; the day of times of day."),
]
TripGapOption = Annotated[
    float | None, typer.Option(help="For files without trip ids: a longer time without driving ends a vehicle's trip.")
]
TripPauseOption = Annotated[
    float | None,
    typer.Option(
        help="A trip id that is used again after a longer time without driving, in s, is another trip's; 0: never."
    ),
]
SkipLinesOption = Annotated[
    int | None, typer.Option(min=0, help="Lines before the header; by default it is found by the columns' names.")
]
MaxUnreadableOption = Annotated[
    float | None, typer.Option(min=0, max=1, help="Share of rows that may be unreadable; by default 0.01.")
]
FileOrderOption = Annotated[
    bool | None,
    typer.Option(
        "--file-order/--time-order",
        help="The file's order, or that of time. Default: the file's for fleet, jsonl, 100car and kit-obd2.",
    ),
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


@dataclass(frozen=True)
class MapOptions:
    """What the options of a command say about a file's columns."""

    maps: list[str] | None = None
    unknown: list[str] | None = None
    values: list[str] | None = None
    where: list[str] | None = None
    pivot: str | None = None
    map_file: Path | None = None
    time_zone: str | None = None
    start: str | None = None
    trip_gap_s: float | None = None
    trip_pause_s: float | None = None
    skip_lines: int | None = None
    max_unreadable: float | None = None

    def column_map(self) -> ColumnMap | None:
        """Return the column map of the options; null if none was given."""
        given = parse_column_map(
            self.maps or (),
            unknown=self.unknown or (),
            values=self.values or (),
            where=self.where or (),
            pivot=self.pivot,
            time_zone=self.time_zone,
            start=self.start,
            trip_gap_s=self.trip_gap_s,
            trip_pause_s=self.trip_pause_s,
            skip_lines=self.skip_lines,
            max_unreadable=self.max_unreadable,
        )
        if self.map_file is not None:
            return merge_column_maps(read_column_map(self.map_file), given)
        return None if given == ColumnMap() else given


def time_order_of(*, file_order: bool | None) -> bool | None:
    """Return whether rows are put in order of time; null for the format's default."""
    return None if file_order is None else not file_order


def read_with_options(
    console: Console,
    path: Path,
    *,
    file_format: str,
    options: MapOptions,
    time_order: bool | None,
    profile: ThresholdProfile,
) -> TripFile:
    """Read a trip file as a command's options say, and say what became of its rows.

    Raises
    ------
    InputFileError
        If the options make no column map, or as `read_trip_file`.
    """
    read = read_trip_file(path, file_format=file_format, column_map=options.column_map(), time_order=time_order)
    trip_file = with_sampling_warning(read, profile)
    _print_summary(console, path, trip_file.summary)
    return trip_file


def with_sampling_warning(trip_file: TripFile, profile: ThresholdProfile) -> TripFile:
    """Warn if the rows are so far apart that, with these thresholds, what lies between them does not count."""
    warning = gap_sentence(typical_interval_s(trip_file.events), profile)
    if warning is None:
        return trip_file
    summary = replace(trip_file.summary, cautions=(*trip_file.summary.cautions, warning))
    return replace(trip_file, summary=summary)


def report_summary(console: Console, path: Path, summary: ReadSummary) -> None:
    """Say what became of a file's rows, and warn of what concerns many of them."""
    _print_summary(console, path, summary)
    for warning in summary.warnings:
        console.print(f"warning: {warning}", style="yellow", highlight=False, markup=False, soft_wrap=True)


def _print_summary(console: Console, path: Path, summary: ReadSummary) -> None:
    console.print(f"{path.name}: {summary}", highlight=False, markup=False, soft_wrap=True)
