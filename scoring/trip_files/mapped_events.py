"""A table of any shape as events, through a column map: the steps, in their order."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl

from scoring.errors import InputFileError
from scoring.trip_files.column_maps.column_map import (
    DEFAULT_MAX_UNREADABLE,
    DEFAULT_TRIP_PAUSE_S,
    TEXT_FIELDS,
    ColumnMap,
    FieldSource,
)
from scoring.trip_files.column_maps.units import EPOCH_UNITS_PER_MS, UNIT_FACTORS
from scoring.trip_files.rows.clock_repairs import ROLLOVER_MS, drop_clock_outliers, spread_seconds, undo_week_rollover
from scoring.trip_files.rows.ids import legal_ids
from scoring.trip_files.rows.moments import MomentReader, refuse_days
from scoring.trip_files.rows.row_order import in_order_of_time, is_newest_first, out_of_order
from scoring.trip_files.rows.row_rules import judge_rows, with_all_columns
from scoring.trip_files.rows.trip_split import NO_DRIVER, NO_TRIP, split_trips
from scoring.trip_files.summary import ReadSummary, TripFile
from scoring.trip_files.tables.field_sources import field_sources, filter_rows, pivot_readings, refuse_all_readings
from scoring.trip_files.tables.text_table import Table
from scoring.trip_files.tables.values import (
    Unreadable,
    decimal_points,
    given_values,
    most_bad_rows,
    parsed_number,
    parsed_text,
)

_IDS: Final = ("client_id", "vehicle_id", "driver_id", "trip_id", "event_id")
_TWO_ROWS: Final = 2
_OLD_MS: Final = int(datetime(2010, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""Few vehicles were tracked before; receivers that are 1,024 weeks behind say so until 2029."""

_UNIT_TEXT: Final = re.compile(r"^[\[(]?(1/)?[^\d]+[2²]?[\])]?$")
"""A unit has no digits but for ``m/s2`` and ``1/min``."""


def mapped_events(path: Path, table: Table, column_map: ColumnMap, *, time_order: bool = True) -> TripFile:
    """Read a table's rows as events.

    Rows of other readings and those that do not pass a filter are left out; fields are parsed; clocks put right;
    rows that can't be events dropped; rows put in order of time; trips ended at stands and changes of drivers.

    Parameters
    ----------
    path
        The file, for errors.
    table
        Its rows.
    column_map
        How they are read.
    time_order
        False to return the rows in the file's order.

    Raises
    ------
    InputFileError
        If the table does not fit the map, or more values than may be can't be read.
    """
    table = pivot_readings(path, filter_rows(path, table, column_map), column_map)
    sources = field_sources(path, column_map, table.rows)
    refuse_all_readings(path, table.rows, sources)
    max_unreadable = DEFAULT_MAX_UNREADABLE if column_map.max_unreadable is None else column_map.max_unreadable
    _refuse_many(path, table, max_unreadable)
    table, units = _without_units(table, sources)
    events, changed, reversed_rows = _parsed(path, table, sources, column_map, max_unreadable)
    events, id_remarks = legal_ids(events, _IDS)
    judged = judge_rows(with_all_columns(events))
    kept = judged.events.with_row_index("_row")
    kept, wrong_clocks = drop_clock_outliers(kept)
    kept, spread = spread_seconds(kept)
    disordered = out_of_order(kept.reverse()) if reversed_rows else out_of_order(kept)
    kept, stands, trip_remarks = split_trips(
        in_order_of_time(kept),
        trip_gap_s=column_map.trip_gap_s if "trip_id" not in sources else None,
        trip_pause_s=DEFAULT_TRIP_PAUSE_S if column_map.trip_pause_s is None else column_map.trip_pause_s,
    )
    if not time_order:
        kept = kept.sort("_row", descending=reversed_rows)
    order = "out of order, kept so" if not time_order else "put in order of time"
    changed |= {
        f"{order}{' (the file is newest first)' if reversed_rows else ''}": disordered,
        "of one second or minute, spread over it": spread,
    }
    causes = Counter(judged.dropped) + table.dropped + Counter({"units below the header": units, **stands})
    causes += Counter({"clock out of line with the rows around": wrong_clocks})
    summary = ReadSummary(
        rows_read=table.rows.height + table.dropped.total() + units,
        events=kept.height,
        dropped=dict(causes.most_common()),
        changed={what: count for what, count in changed.items() if count},
        faults=judged.faults,
        remarks=(*table.remarks, *id_remarks, *trip_remarks),
        cautions=_old_age(kept),
    )
    return TripFile(kept.drop("_row"), summary)


def _old_age(events: pl.DataFrame) -> tuple[str, ...]:
    """Say that a receiver of GPS that miscounts weeks would tell such times."""
    newest = events["timestamp_ms"].max()
    if not isinstance(newest, int) or newest >= _OLD_MS:
        return ()
    told, likely = (
        datetime.fromtimestamp(moment / 1000, tz=UTC).date().isoformat() for moment in (newest, newest + ROLLOVER_MS)
    )
    return (f"the newest row is of {told}: a receiver of GPS that is 1,024 weeks behind says so on {likely}",)


def _parsed(
    path: Path, table: Table, sources: Mapping[str, FieldSource], column_map: ColumnMap, max_unreadable: float
) -> tuple[pl.DataFrame, dict[str, int], bool]:
    """Return the fields of all rows, oldest first, what was changed, and whether the file is newest first."""
    unreadable = Unreadable(path, table.first_row, table.rows.height, max_unreadable)
    fields: dict[str, pl.Series] = {}
    for name in [*TEXT_FIELDS, *UNIT_FACTORS, "utc_offset_min"]:
        if name in sources:
            given = given_values(path, table.rows, name, sources[name], column_map)
            if name in TEXT_FIELDS:
                fields[name] = parsed_text(given)
                continue
            parsed = parsed_number(given, name, sources[name].unit, separator=table.separator)
            unreadable.check(name, given, parsed, sources[name].column)
            fields[name] = parsed.round().cast(pl.Int16, strict=False) if name == "utc_offset_min" else parsed
    fields["driver_id"] = fields.get("driver_id", fields["vehicle_id"].clear(table.rows.height)).fill_null(NO_DRIVER)
    fields.setdefault("trip_id", pl.Series([NO_TRIP]).new_from_index(0, table.rows.height))
    source, vehicle = sources["timestamp"], fields["vehicle_id"]
    given = given_values(path, table.rows, "timestamp", source, column_map)
    if source.unit in EPOCH_UNITS_PER_MS and given.dtype == pl.String:
        given = decimal_points(given, separator=table.separator)
    moments = MomentReader(path, source, column_map, table.rows.columns, vehicle).read(given)
    unreadable.check("timestamp", given, moments.timestamp_ms, source.column)
    reversed_rows = is_newest_first(moments.timestamp_ms, vehicle)
    if reversed_rows:  # the hour that exists twice, and days that begin, are told by the order in which rows were made
        fields = {name: values.reverse() for name, values in fields.items()}
        given, vehicle = given.reverse(), vehicle.reverse()
        moments = MomentReader(path, source, column_map, table.rows.columns, vehicle).read(given)
    refuse_days(path, source, moments)
    fields.setdefault("utc_offset_min", moments.utc_offset_min)
    fields["utc_offset_min"] = fields["utc_offset_min"].fill_null(moments.utc_offset_min)
    fields["timestamp_ms"], rolled_over = undo_week_rollover(moments.timestamp_ms, vehicle)
    changed = {**unreadable.counts, **moments.counts, "1,024 weeks behind (GPS week rollover), put right": rolled_over}
    return pl.DataFrame([values.alias(name) for name, values in fields.items()]), changed, reversed_rows


def _refuse_many(path: Path, table: Table, max_share: float) -> None:
    """Refuse a file of which too many lines are no rows."""
    cause = "more columns than the header"
    count = table.dropped[cause]
    if count > most_bad_rows(table.rows.height + count, max_share):
        hint = " A decimal comma in a file that is separated by commas looks so." if table.separator == "," else ""
        raise InputFileError(
            path,
            f"{count:,} lines have {cause}",
            remedy=f"Correct the file, or say where its header is: --skip-lines N.{hint}",
        )


def _without_units(table: Table, sources: Mapping[str, FieldSource]) -> tuple[Table, int]:
    """Leave out a first row that has the units: texts where the fields are numbers."""
    names = {source.column for name, source in sources.items() if name in UNIT_FACTORS and source.column}
    texts = table.rows[:2].select(name for name in sorted(names) if table.rows.schema[name] == pl.String)
    if texts.height < _TWO_ROWS or not texts.width:
        return table, 0
    numbers = texts.select(pl.all().str.replace(",", ".", literal=True).cast(pl.Float64, strict=False))
    known = [text for text in texts.row(0) if text is not None]
    if (
        not known
        or not all(_UNIT_TEXT.match(text) for text in known)
        or all(number is None for number in numbers.row(1))
    ):
        return table, 0
    return replace(table, rows=table.rows[1:], first_row=table.first_row + 1), 1
