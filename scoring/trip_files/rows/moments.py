"""The column of timestamps: what it is, and each row's moment and offset."""

import shlex
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import polars as pl

from scoring.errors import InputFileError
from scoring.time_zones import zone_offset_min
from scoring.trip_files.column_maps.column_map import ColumnMap, FieldSource
from scoring.trip_files.column_maps.units import EPOCH_UNITS_PER_MS, UTC_WITHOUT_OFFSET
from scoring.trip_files.rows.clock_changes import zoned_ms
from scoring.trip_files.rows.row_rules import MAX_TIMESTAMP_MS, MIN_TIMESTAMP_MS
from scoring.trip_files.rows.timestamps import (
    format_offset_min,
    iso_local_time,
    iso_offset_min,
    tells_day,
    tells_offset,
    tells_time,
    utc_ms,
)
from scoring.trip_files.tables.file_text import first_line, shown

_NUMBER: Final = r"^\d+([.,]\d+)?$"
_MS_PER_DAY: Final = 86_400_000
_MIDNIGHT_MS: Final = _MS_PER_DAY // 2
"""A time of day that falls back by more is of the next day."""

_MOST: Final = 0.5
_MOST_DAYS: Final = 366
"""Longer elapsed time is a count since some other year."""

_SINCE_LONG_AGO: Final = 0.9
"""Of times since 1970, the earliest is nearly as long as the latest; of elapsed time it is near zero."""

_LIKELY_UNTIL_MS: Final = 4_102_444_800_000
"""The year 2100."""

_FORMATS: Final = "|%"


@dataclass(frozen=True)
class Moments:
    """When each row was: UTC epoch milliseconds, minutes east of UTC, and what was taken how."""

    timestamp_ms: pl.Series
    utc_offset_min: pl.Series
    counts: dict[str, int]


class MomentReader:
    """Reads a column of timestamps.

    Parameters
    ----------
    path
        The file.
    source
        Of the timestamps.
    column_map
        Its time zone and start.
    columns
        The file's columns, for errors.
    vehicle
        Each row's vehicle: each has its own clock.
    """

    def __init__(
        self, path: Path, source: FieldSource, column_map: ColumnMap, columns: list[str], vehicle: pl.Series
    ) -> None:
        self._path = path
        self._source = source
        self._map = column_map
        self._columns = columns
        self._vehicle = vehicle
        self._counts: dict[str, int] = {}

    def read(self, given: pl.Series) -> Moments:
        """Read the values.

        Raises
        ------
        InputFileError
            If they are no timestamps, or do not tell a moment without a unit, format, start or zone.
        """
        zone, unit = self._map.time_zone, self._source.unit
        frame = given.to_frame("given")
        try:
            if unit in EPOCH_UNITS_PER_MS:
                moments = self._numbers(frame, unit)
            elif isinstance(given.dtype, pl.Datetime) and given.dtype.time_zone is not None:
                moments = frame.select(timestamp_ms=pl.col("given").dt.epoch("ms"), utc_offset_min=_no_offset())
                zone = zone or (None if given.dtype.time_zone in {"UTC", "Etc/UTC"} else given.dtype.time_zone)
            elif isinstance(given.dtype, pl.Datetime) and unit == UTC_WITHOUT_OFFSET:
                moments = frame.select(timestamp_ms=pl.col("given").dt.epoch("ms"), utc_offset_min=_no_offset())
            elif isinstance(given.dtype, pl.Datetime):
                moments = self._local(given)
            elif unit is not None and unit != UTC_WITHOUT_OFFSET:
                moments = self._formats(frame.select(pl.col("given").cast(pl.String)), unit)
            elif given.dtype.is_numeric() or (given.dtype == pl.String and _are_numbers(given)):
                raise self._error(
                    "is a number",
                    remedy=f"Say its unit: --map {shlex.quote(f'timestamp={self._name}:s')} (ms, us, ns).",
                )
            elif given.dtype == pl.String:
                moments = self._iso(frame)
            else:
                raise self._error(
                    f"({given.dtype}) is no timestamp", remedy="Map timestamp to a column with dates and times."
                )
        except pl.exceptions.PolarsError as error:
            raise self._error(
                f"({given.dtype}) can't be read as {unit} ({first_line(error)})",
                remedy="Check the format in --map timestamp=...",
            ) from error
        if zone is not None:
            local = zone_offset_min(pl.col("timestamp_ms"), zone)
            moments = moments.with_columns(pl.col("utc_offset_min").fill_null(local))
        return Moments(moments["timestamp_ms"], moments["utc_offset_min"], self._counts)

    @property
    def _name(self) -> str:
        return shown(self._source.column)

    def _numbers(self, frame: pl.DataFrame, unit: str) -> pl.DataFrame:
        text = pl.col("given").cast(pl.String).str.replace(",", ".", literal=True)
        number = text if frame.schema["given"] == pl.String else pl.col("given")
        milliseconds = (number.cast(pl.Float64, strict=False) / EPOCH_UNITS_PER_MS[unit]).round()
        passed = frame.select(milliseconds.cast(pl.Int64, strict=False)).to_series()
        if self._map.start is not None:
            return self._since_start(datetime.fromisoformat(self._map.start), passed)
        self._refuse_unit(passed, unit)
        return pl.DataFrame({"timestamp_ms": passed}).with_columns(utc_offset_min=_no_offset())

    def _refuse_unit(self, passed_ms: pl.Series, unit: str) -> None:
        """Refuse numbers that are no time since 1970 in the unit, but are in another one, or elapsed time."""
        median = passed_ms.median()
        if not isinstance(median, int | float) or MIN_TIMESTAMP_MS <= median <= MAX_TIMESTAMP_MS:
            return
        lowest, highest = passed_ms.min(), passed_ms.max()
        if not isinstance(lowest, int) or not isinstance(highest, int):
            return
        is_since_long_ago = lowest > _SINCE_LONG_AGO * highest
        for other, per_ms in EPOCH_UNITS_PER_MS.items():
            moment_ms = median * EPOCH_UNITS_PER_MS[unit] / per_ms
            if is_since_long_ago and MIN_TIMESTAMP_MS <= moment_ms <= _LIKELY_UNTIL_MS:
                raise self._error(
                    f"in {unit} since 1970 is not of this age, but it is in {other}",
                    remedy=f"Say --map {shlex.quote(f'timestamp={self._name}:{other}')}.",
                )
        if lowest >= 0 and highest <= _MS_PER_DAY * _MOST_DAYS:
            raise self._error(
                f"in {unit} since 1970 is before 2000: it is elapsed time, or a time of day",
                remedy="Say what it is counted from: --start 2026-03-02T07:15:00, or the day: --start 2026-03-02.",
            )

    def _since_start(self, start: datetime, passed_ms: pl.Series) -> pl.DataFrame:
        """Add a start and the time since it; a time of day that begins again adds a day."""
        rows = pl.DataFrame({"passed": passed_ms, "vehicle": self._vehicle})
        fell_back = pl.col("passed").forward_fill().diff().over("vehicle") < -_MIDNIGHT_MS
        days = fell_back.fill_null(value=False).cum_sum().over("vehicle")
        highest = passed_ms.max()
        is_of_day = isinstance(highest, int) and highest < _MS_PER_DAY
        passed = rows.select(pl.col("passed") + (days * _MS_PER_DAY if is_of_day else 0)).to_series()
        offset = start.utcoffset()
        local_start = start.replace(tzinfo=None)
        if offset is None:
            local = pl.DataFrame({"passed": passed}).select(local_start + pl.duration(milliseconds="passed"))
            return self._local(local.to_series())
        moment = pl.lit(round(start.timestamp() * 1000)) + pl.col("passed")
        offset_min = pl.lit(round(offset.total_seconds() / 60), pl.Int16)
        return pl.DataFrame({"passed": passed}).select(timestamp_ms=moment, utc_offset_min=offset_min)

    def _formats(self, frame: pl.DataFrame, unit: str) -> pl.DataFrame:
        """Read texts by the first of the formats that fits each."""
        first, *others = [part if part.startswith("%") else f"%{part}" for part in unit.split(_FORMATS)]
        moments = self._format(frame, first)
        for time_format in others:
            is_left = frame["given"].is_not_null() & moments["timestamp_ms"].is_null()
            if is_left.any():
                read = self._format(frame.select(pl.when(is_left).then("given")), time_format)
                moments = moments.select(pl.col(name).fill_null(read[name]) for name in moments.columns)
        return moments

    def _format(self, frame: pl.DataFrame, time_format: str) -> pl.DataFrame:
        text = pl.col("given").str.strip_chars()
        if not tells_time(time_format):
            raise self._error(f"read as {time_format} has no time of day", remedy=self._join_remedy("time"))
        if not tells_day(time_format):
            if self._map.start is None:
                raise self._error(f"read as {time_format} has no date", remedy=self._join_remedy("date"))
            time_of_day = text.str.to_time(time_format, strict=False).cast(pl.Int64) // 1_000_000
            start = datetime.combine(date.fromisoformat(self._map.start[:10]), datetime.min.time())
            return self._since_start(start, frame.select(time_of_day).to_series())
        if tells_offset(time_format):
            moment = text.str.to_datetime(time_format, time_unit="ms", time_zone="UTC", strict=False)
            return frame.select(timestamp_ms=moment.dt.epoch("ms"), utc_offset_min=format_offset_min(text, time_format))
        local = frame.select(text.str.to_datetime(time_format, time_unit="ms", strict=False)).to_series()
        return self._local(local)

    def _iso(self, frame: pl.DataFrame) -> pl.DataFrame:
        text = pl.col("given").str.strip_chars()
        parts = frame.select(local=iso_local_time(text), offset_min=iso_offset_min(text))
        offset_min = parts["offset_min"]
        moment_ms = parts.select(utc_ms(pl.col("local"), pl.col("offset_min"))).to_series()
        if self._source.unit == UTC_WITHOUT_OFFSET:
            moment_ms = moment_ms.fill_null(parts["local"].dt.epoch("ms"))
        elif (parts["local"].is_not_null() & offset_min.is_null()).any():
            naive = parts.select(pl.when(pl.col("offset_min").is_null()).then("local")).to_series()
            moment_ms = moment_ms.fill_null(self._local(naive)["timestamp_ms"])
        # RFC 9557, section 2.2: Z tells UTC and nothing about local time.
        is_utc = frame.select(text.str.contains("[Zz]$")).to_series()
        told = parts.select(pl.when(~is_utc).then("offset_min")).to_series()
        return pl.DataFrame({"timestamp_ms": moment_ms, "utc_offset_min": told})

    def _local(self, local: pl.Series) -> pl.DataFrame:
        """Read naive local times in the map's zone."""
        if self._map.time_zone is None:
            raise self._error(
                "has local times without an offset",
                remedy="Say where its clock stood: --time-zone Europe/Berlin, or --time-zone UTC.",
            )
        moment_ms, counts = zoned_ms(local, self._vehicle, self._map.time_zone)
        self._counts |= counts
        lost = int((local.is_not_null() & moment_ms.is_null()).sum())
        if lost:
            raise self._error(
                f"has {lost:,} times that do not exist in {self._map.time_zone}, where summer time skips an hour",
                remedy="Its clock is in another zone: for one on winter time all year, such as --time-zone Etc/GMT-1.",
            )
        return pl.DataFrame({"timestamp_ms": moment_ms}).with_columns(utc_offset_min=_no_offset())

    def _join_remedy(self, lacks: str) -> str:
        """Name the column to join with, if there is one that is called so."""
        own = self._source.column or ""
        others = [name for name in self._columns if lacks in name.lower() and name != own]
        day = "" if lacks == "time" else " If it has none, say the day of the first row: --start 2026-03-02."
        if not others:
            return f"Map a column that has both, or join two: --map 'timestamp=DATE+TIME:%d.%m.%Y %H:%M:%S'.{day}"
        pair = f"{own}+{others[0]}" if lacks == "time" else f"{others[0]}+{own}"
        word = shlex.quote(f"timestamp={shown(pair)}:%d.%m.%Y %H:%M:%S")
        return f"Join two columns, in their formats: --map {word}.{day}"

    def _error(self, problem: str, *, remedy: str) -> InputFileError:
        return InputFileError(self._path, f"column `{self._name}` for timestamp {problem}", remedy=remedy)


def refuse_days(path: Path, source: FieldSource, moments: Moments) -> None:
    """Refuse timestamps that all are midnights, of more rows than days: they have lost their time of day.

    Raises
    ------
    InputFileError
        If they are such.
    """
    local_ms = moments.timestamp_ms + moments.utc_offset_min.cast(pl.Int64).fill_null(0) * 60_000
    known = local_ms.drop_nulls()
    if len(known) > known.n_unique() and (known % _MS_PER_DAY == 0).all():
        raise InputFileError(
            path,
            f"column `{shown(source.column)}` for timestamp has no time of day: all {len(known):,} are midnights",
            remedy="Map a column that has one, or join two: --map 'timestamp=DATE+TIME:%d.%m.%Y %H:%M:%S'.",
        )


def _no_offset() -> pl.Expr:
    return pl.lit(None, pl.Int16)


def _are_numbers(given: pl.Series) -> bool:
    known = given.drop_nulls()
    return len(known) > 0 and int(known.str.contains(_NUMBER).sum()) > _MOST * len(known)
