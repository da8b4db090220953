"""CSV and Parquet files of any shape, read through a column map."""

import gzip
import zlib
from pathlib import Path
from typing import Final

import polars as pl

from scoring.errors import InputFileError
from scoring.time_zones import zone_offset_min
from scoring.trip_files.column_map import TEXT_FIELDS, ColumnMap, FieldSource
from scoring.trip_files.row_rules import keep_events, with_all_columns
from scoring.trip_files.summary import ReadSummary, TripFile
from scoring.trip_files.timestamps import in_zone, iso_local_time, iso_offset_min, utc_ms
from scoring.trip_files.units import EPOCH_UNITS_PER_MS, UNIT_FACTORS

UNKNOWN_TEXTS: Final = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "-")
"""Texts that stand for "unknown" in every column of a CSV file."""

_SEPARATORS: Final = ",;\t|"
_GZIP_MAGIC: Final = b"\x1f\x8b"


def read_csv(path: Path, column_map: ColumnMap) -> TripFile:
    """Read a CSV file, gzipped or not, with a header line.

    The separator is the one of comma, semicolon, tab and bar that the header has most of; where it is not the
    comma, numbers may have a decimal comma.

    Raises
    ------
    InputFileError
        If the file is no such CSV file, or does not fit the column map.
    """
    try:
        with gzip.open(path) if _is_gzip(path) else path.open("rb") as lines:
            header = lines.readline().decode("utf-8", errors="replace")
        separator = max(_SEPARATORS, key=header.count)
        columns = pl.read_csv(path, separator=separator, n_rows=0).columns
        sources = _sources(path, column_map, columns)
        rows = pl.read_csv(
            path,
            separator=separator,
            columns=_columns_of(sources),
            infer_schema=False,
            null_values=list(UNKNOWN_TEXTS),
        )
    except (pl.exceptions.PolarsError, OSError, EOFError, zlib.error) as error:
        raise InputFileError(
            path, f"can't be read as CSV ({_first_line(error)})", remedy="It must be UTF-8 with one header line."
        ) from error
    if separator != ",":
        numbers = [source.column for name, source in sources.items() if name in UNIT_FACTORS and source.column]
        rows = rows.with_columns(pl.col(name).str.replace(",", ".", literal=True) for name in set(numbers))
    return _to_events(path, rows, sources, column_map, first_row=2)


def read_parquet(path: Path, column_map: ColumnMap) -> TripFile:
    """Read a Parquet file.

    Raises
    ------
    InputFileError
        If the file is no Parquet file, or does not fit the column map.
    """
    try:
        columns = list(pl.read_parquet_schema(path))
        sources = _sources(path, column_map, columns)
        rows = pl.read_parquet(path, columns=_columns_of(sources))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputFileError(
            path, f"can't be read as Parquet ({_first_line(error)})", remedy="Check the file and --format."
        ) from error
    return _to_events(path, rows, sources, column_map, first_row=1)


def _sources(path: Path, column_map: ColumnMap, columns: list[str]) -> dict[str, FieldSource]:
    """Return the source of each field that the file has, by the map, else by a column of the field's name."""
    has = f"Its columns are {', '.join(columns)}."
    for name, source in column_map.sources.items():
        if source.column is not None and source.column not in columns:
            raise InputFileError(path, f"there is no column `{source.column}` for {name}", remedy=has)
    own = {name: FieldSource(name) for name in (*TEXT_FIELDS, "timestamp", "utc_offset_min", *UNIT_FACTORS)}
    own["timestamp"] = FieldSource("timestamp_ms", "ms") if "timestamp_ms" in columns else own["timestamp"]
    sources = {name: source for name, source in own.items() if source.column in columns} | dict(column_map.sources)

    required = {
        "timestamp": "--map timestamp=COLUMN, with :s, :ms, :us or :ns after it if it is a number",
        "vehicle_id": "--map vehicle_id=COLUMN, or --map vehicle_id==veh_1 if all rows are of one vehicle",
        "client_id": "--map client_id=COLUMN, or --map client_id==client_acme for all rows",
    }
    if column_map.trip_gap_s is None:
        required["trip_id"] = "--map trip_id=COLUMN, or --trip-gap-s 300 to end a vehicle's trip at each longer gap"
    for name, remedy in required.items():
        if name not in sources:
            raise InputFileError(path, f"no column for {name}", remedy=f"{has} Add {remedy}.")
    return sources


def _columns_of(sources: dict[str, FieldSource]) -> list[str]:
    return list(dict.fromkeys(source.column for source in sources.values() if source.column is not None))


def _to_events(
    path: Path, rows: pl.DataFrame, sources: dict[str, FieldSource], column_map: ColumnMap, *, first_row: int
) -> TripFile:
    fields: dict[str, pl.Series] = {}
    for name, source in sources.items():
        given = _given(path, rows, name, source, column_map)
        if name == "timestamp":
            parsed, offset_min = _timestamps(path, given, source, column_map)
            fields.setdefault("utc_offset_min", offset_min)
            fields["timestamp_ms"] = parsed
        elif name in UNIT_FACTORS:
            factor = UNIT_FACTORS[name][source.unit] if source.unit else 1.0
            parsed = given.cast(pl.Float64, strict=False)
            fields[name] = parsed * factor
        elif name == "utc_offset_min":
            parsed = fields[name] = given.cast(pl.Int16, strict=False)
        else:
            parsed = fields[name] = given.cast(pl.String)
        _refuse_unparsed(path, name, given, parsed, source, first_row=first_row)
    events = pl.DataFrame([series.alias(name) for name, series in fields.items()])
    if "driver_id" not in events.columns:
        events = events.with_columns(driver_id="drv_" + pl.col("vehicle_id"))
    if "trip_id" not in events.columns and column_map.trip_gap_s is not None:
        events = _with_trips_from_gaps(events, column_map.trip_gap_s)
    kept, dropped = keep_events(with_all_columns(events))
    return TripFile(kept, ReadSummary(rows.height, kept.height, dropped))


def _given(path: Path, rows: pl.DataFrame, name: str, source: FieldSource, column_map: ColumnMap) -> pl.Series:
    """Return a field's values as the file has them, those that stand for "unknown" null."""
    if source.column is None:
        return pl.Series([source.constant], dtype=pl.String).new_from_index(0, rows.height)
    given = rows[source.column]
    if given.dtype.is_nested():
        raise InputFileError(
            path, f"column `{source.column}` ({given.dtype}) is nested", remedy=f"Map {name} to a plain column."
        )
    if isinstance(given.dtype, pl.Categorical | pl.Enum):
        given = given.cast(pl.String)
    if given.dtype.is_float():
        given = given.fill_nan(None)
    unknown = column_map.unknown.get(name)
    if not unknown:
        return given
    if given.dtype.is_numeric():
        numbers = pl.Series(unknown).cast(pl.Float64, strict=False).drop_nulls()
        stands_for_unknown = given.cast(pl.Float64).is_in(numbers.implode())
    else:
        stands_for_unknown = given.cast(pl.String).is_in(list(unknown))
    return rows.select(pl.when(~stands_for_unknown).then(given)).to_series()


def _timestamps(
    path: Path, given: pl.Series, source: FieldSource, column_map: ColumnMap
) -> tuple[pl.Series, pl.Series]:
    """Return UTC epoch milliseconds and minutes east of UTC."""
    time_zone, name = column_map.time_zone, source.column
    column, offset_min = pl.col("given"), pl.lit(None, pl.Int16)
    if source.unit in EPOCH_UNITS_PER_MS:
        numbers = column.cast(pl.Float64, strict=False) / EPOCH_UNITS_PER_MS[source.unit]
        moment_ms = numbers.round().cast(pl.Int64, strict=False)
    elif isinstance(given.dtype, pl.Datetime) and given.dtype.time_zone is not None:
        moment_ms = column.dt.epoch("ms")
        time_zone = time_zone or (None if given.dtype.time_zone in {"UTC", "Etc/UTC"} else given.dtype.time_zone)
    elif source.unit is not None and "%z" in source.unit:
        moment_ms = column.str.to_datetime(source.unit, time_unit="ms", time_zone="UTC", strict=False).dt.epoch("ms")
    elif isinstance(given.dtype, pl.Datetime) or source.unit is not None:
        local = column if source.unit is None else column.str.to_datetime(source.unit, time_unit="ms", strict=False)
        moment_ms = in_zone(local, _needed_zone(path, name, time_zone)).dt.epoch("ms")
    elif given.dtype.is_numeric() or (
        given.dtype == pl.String and given.drop_nulls().str.contains(r"^\d+(\.\d+)?$").any()
    ):
        raise InputFileError(
            path,
            f"column `{name}` for timestamp is a number",
            remedy=f"Say its unit: --map timestamp={name}:s (ms, us, ns).",
        )
    elif given.dtype == pl.String:
        local, offset_min = iso_local_time(column), iso_offset_min(column)
        moment_ms = utc_ms(local, offset_min)
        has_no_offset = local.is_not_null() & offset_min.is_null()
        if given.to_frame("given").select(has_no_offset.any()).item():
            zoned = in_zone(local, _needed_zone(path, name, time_zone)).dt.epoch("ms")
            moment_ms = pl.when(has_no_offset).then(zoned).otherwise(moment_ms)
        # RFC 9557, section 2.2: Z tells UTC and nothing about local time.
        offset_min = pl.when(~column.str.contains("[Zz]$")).then(offset_min)
    else:
        raise InputFileError(
            path,
            f"column `{name}` ({given.dtype}) is no timestamp",
            remedy="Map timestamp to a column with dates and times.",
        )
    try:
        moments = given.to_frame("given").select(timestamp_ms=moment_ms, utc_offset_min=offset_min)
    except pl.exceptions.PolarsError as error:
        raise InputFileError(
            path,
            f"column `{name}` ({given.dtype}) can't be read as {source.unit} ({_first_line(error)})",
            remedy="Check the format in --map timestamp=...",
        ) from error
    if time_zone is not None:
        moments = moments.with_columns(
            pl.col("utc_offset_min").fill_null(zone_offset_min(pl.col("timestamp_ms"), time_zone))
        )
    return moments["timestamp_ms"], moments["utc_offset_min"]


def _needed_zone(path: Path, column: str | None, time_zone: str | None) -> str:
    if time_zone is None:
        raise InputFileError(
            path,
            f"column `{column}` for timestamp has local times without an offset",
            remedy="Say where its clock stood: --time-zone Europe/Berlin, or --time-zone UTC.",
        )
    return time_zone


def _refuse_unparsed(
    path: Path, name: str, given: pl.Series, parsed: pl.Series, source: FieldSource, *, first_row: int
) -> None:
    unparsed = given.is_not_null() & parsed.is_null()
    count = unparsed.sum()
    if count:
        row = unparsed.arg_max() or 0
        raise InputFileError(
            path,
            f"{count:,} values of column `{source.column}` are no {name}, "
            f"the first is `{given[row]}` in line {row + first_row}",
            remedy=f"Correct the file or the map; if the text means unknown, add --unknown '{name}={given[row]}'.",
        )


def _with_trips_from_gaps(events: pl.DataFrame, gap_s: float) -> pl.DataFrame:
    """Name each vehicle's trips by their start in UTC: ``trip_veh_7_20260302T081500``."""
    by_time = events.with_row_index("_row").sort("vehicle_id", "timestamp_ms", maintain_order=True)
    starts = pl.col("timestamp_ms").diff().over("vehicle_id").fill_null(gap_s * 1000 + 1) > gap_s * 1000
    started = pl.when(starts).then(pl.col("timestamp_ms")).forward_fill().over("vehicle_id")
    name = pl.format("trip_{}_{}", "vehicle_id", pl.from_epoch(started, time_unit="ms").dt.strftime("%Y%m%dT%H%M%S"))
    return by_time.with_columns(trip_id=name).sort("_row").drop("_row")


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as content:
        return content.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
