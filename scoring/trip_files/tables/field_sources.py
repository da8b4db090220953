"""Which of a table's columns is which field, and which of its rows are read."""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import polars as pl

from scoring.errors import InputFileError
from scoring.trip_files.column_maps.column_map import EVENT_FIELDS, ColumnMap, FieldSource
from scoring.trip_files.column_maps.units import UNIT_FACTORS
from scoring.trip_files.tables.file_text import shown
from scoring.trip_files.tables.text_table import Table, named

_SPEED: Final = r"(?i)speed|veloc|geschw|vitesse|скорост|速"
_OTHER: Final = (
    r"(?i)\brpm\b|temp|engine|motor|throttle|pedal|load|fuel|pressure|accel|volt|batter|latit|longit|drehzahl"
)
"""What names of readings have in them, of speed and of others, where a file has a row for each."""

_UNIT: Final = r"(?i)^(km/h|kmh|kph|mph|m/s|m/s²|rpm|1/min|°[cf]|%|mv|k?pa|mbar|bar|psi|g/s|l/h|deg|°)$"
"""Units of readings."""

_NAME_COLUMNS: Final = re.compile(r"(?i)^(pid|parameter|param|signal|sensor|channel|metric|measurement)s?$")
"""Names of columns with names, or codes, of readings."""

_READING_COLUMNS: Final = re.compile(r"(?i)^(value|val|reading|wert|messwert|valor|valeur|valore|data)s?$")
"""Names of columns with values of readings of all kinds."""

_MOST_READINGS: Final = 500
"""Different readings of a vehicle: standard OBD-II has some 200."""

_JOIN: Final = "+"


def wanted_columns(column_map: ColumnMap) -> set[str]:
    """Return the names of columns that a file may be expected to have."""
    sources = [*column_map.sources.values(), *(one for many in column_map.candidates.values() for one in many)]
    wanted = {*EVENT_FIELDS, "timestamp_ms"}
    for source in sources:
        if source.column is not None:
            wanted |= {source.column.strip(), *(part.strip() for part in source.column.split(_JOIN))}
    if column_map.pivot is not None:
        wanted |= {column_map.pivot.names.strip(), column_map.pivot.readings.strip()}
    return wanted | {row_filter.column.strip() for row_filter in column_map.where}


def filter_rows(path: Path, table: Table, column_map: ColumnMap) -> Table:
    """Leave out the rows that the map's filters do not let pass, counted.

    Raises
    ------
    InputFileError
        If there is no column of a filter's name, or no row passes.
    """
    rows = table.rows
    for row_filter in column_map.where:
        column = _column(path, row_filter.column, rows.columns, purpose="--where")
        has = pl.col(column).cast(pl.String).str.to_lowercase().is_in([text.lower() for text in row_filter.texts])
        rows = rows.filter(has.fill_null(value=False) == row_filter.has)
    left_out = table.rows.height - rows.height
    if not left_out:
        return table
    if rows.is_empty():
        raise InputFileError(path, f"not one of {left_out:,} rows passes --where", remedy="Correct --where.")
    return replace(table, rows=rows, remarks=(*table.remarks, f"{left_out:,} rows left out by --where"))


def pivot_readings(path: Path, table: Table, column_map: ColumnMap) -> Table:
    """Give each reading that is mapped a column of its name, and leave out the rows of the others, counted.

    Raises
    ------
    InputFileError
        If there is no column of names or of values.
    """
    if column_map.pivot is None:
        return table
    names = _column(path, column_map.pivot.names, table.rows.columns, purpose="--pivot")
    readings = _column(path, column_map.pivot.readings, table.rows.columns, purpose="--pivot")
    present = table.rows[names].cast(pl.String).unique(maintain_order=True).drop_nulls().to_list()
    mapped = {source.column.strip() for source in column_map.sources.values() if source.column is not None}
    for field in column_map.candidates.keys() - column_map.sources.keys():
        found = (
            source.column for source in column_map.candidates[field] if source.column in {*present, *table.rows.columns}
        )
        mapped |= {column for column in [next(found, None)] if column is not None}
    used = [name for name in present if name in mapped and name not in table.rows.columns]
    if not used:
        raise InputFileError(
            path,
            f"no reading of column `{shown(names)}` is mapped",
            remedy=f"Map fields to its readings, which are {', '.join(shown(name) for name in present[:20])}.",
        )
    columns = [pl.when(pl.col(names) == name).then(pl.col(readings)).alias(name) for name in used]
    rows = table.rows.with_columns(columns).filter(pl.col(names).is_in(used))
    left_out = table.rows.height - rows.height
    return replace(table, rows=rows, remarks=(*table.remarks, f"{left_out:,} other readings left out"))


def field_sources(path: Path, column_map: ColumnMap, rows: pl.DataFrame) -> dict[str, FieldSource]:
    """Return the source of each field that the table has, by the map, else by a column of the field's name.

    Raises
    ------
    InputFileError
        If a mapped column is not there, or a field that an event needs has no source.
    """
    columns = rows.columns
    own = {name: FieldSource(name) for name in EVENT_FIELDS}
    own["timestamp"] = FieldSource("timestamp_ms", "ms") if "timestamp_ms" in columns else own["timestamp"]
    sources = {name: source for name, source in own.items() if source.column in columns}
    for name, candidates in column_map.candidates.items():
        present = [
            source
            for source in candidates
            if (name not in sources if source.column is None else _present(source.column, columns))
        ]
        if present:
            sources[name] = _resolved(path, name, present[0], columns)
    sources |= {name: _resolved(path, name, source, columns) for name, source in column_map.sources.items()}

    required = {
        "timestamp": "--map timestamp=COLUMN, with :s, :ms, :us or :ns after it if it is a number",
        "vehicle_id": "--map vehicle_id=COLUMN, or --map vehicle_id==veh_1 if all rows are of one vehicle",
        "client_id": "--map client_id=COLUMN, or --map client_id==client_acme for all rows",
    }
    if column_map.trip_gap_s is None:
        required["trip_id"] = "--map trip_id=COLUMN, or --trip-gap-s 300 to end a vehicle's trip at each longer gap"
    for name, remedy in required.items():
        if name not in sources:
            raise InputFileError(path, f"no column for {name}", remedy=f"{named(columns)} Add {remedy}.")
    return sources


def source_columns(source: FieldSource, columns: Sequence[str]) -> list[str]:
    """Return the columns of a source: one, or those that are to be joined."""
    if source.column is None:
        return []
    return [source.column] if source.column in columns else source.column.split(_JOIN)


def refuse_all_readings(path: Path, rows: pl.DataFrame, sources: dict[str, FieldSource]) -> None:
    """Refuse a file with a row for each reading: its column of values has speeds, revolutions and temperatures.

    Raises
    ------
    InputFileError
        If a measurement is mapped to such a column.
    """
    used = {column for source in sources.values() for column in source_columns(source, rows.columns)}
    measured = [(name, source.column) for name, source in sources.items() if name in UNIT_FACTORS and source.column]
    others = {name: _names_of_readings(rows[name], name) for name in rows.columns if name not in used}
    has_units = any(names is not None and names.str.contains(_UNIT).sum() > 1 for names in others.values())
    for other, names in others.items():
        if names is None or names.str.contains(_UNIT).any():
            continue
        is_speed = names.str.contains(_SPEED)
        has_others = bool(is_speed.any()) and bool(names.filter(~is_speed).str.contains(_OTHER).any())
        for field, column in measured:
            is_of_all = has_units or bool(_READING_COLUMNS.match(column)) or has_others
            if is_of_all and rows[column].count() >= rows[other].count():
                example = names.filter(is_speed)[0] if is_speed.any() else names[0]
                raise InputFileError(
                    path,
                    f"column `{shown(column)}` has readings of several kinds, named in column `{shown(other)}`: "
                    f"{', '.join(shown(name) for name in names[:4])}",
                    remedy=f"Add --pivot {shlex.quote(f'{shown(other)}={shown(column)}')} and map the reading: "
                    f"--map {shlex.quote(f'{field}={shown(example)}')}.",
                )


def _names_of_readings(column: pl.Series, name: str) -> pl.Series | None:
    """Return the different values of a column that may name readings: texts, or numbers if the column is called so."""
    is_called_so = bool(_NAME_COLUMNS.match(name))
    if column.dtype != pl.String and not (is_called_so and column.dtype.is_integer()):
        return None
    names = column.cast(pl.String).drop_nulls().unique(maintain_order=True)
    if not 1 < len(names) <= _MOST_READINGS:
        return None
    are_numbers = names.cast(pl.Float64, strict=False).is_not_null().all()
    return None if are_numbers and not is_called_so else names


def _present(column: str, columns: Iterable[str]) -> bool:
    stripped = column.strip()
    return stripped in columns or all(part.strip() in columns for part in stripped.split(_JOIN))


def _resolved(path: Path, name: str, source: FieldSource, columns: Sequence[str]) -> FieldSource:
    """Return the source with its column as the table has it."""
    if source.column is None:
        return source
    stripped = source.column.strip()
    parts = [part.strip() for part in stripped.split(_JOIN)]
    if stripped not in columns and len(parts) > 1 and all(part in columns for part in parts):
        return replace(source, column=_JOIN.join(parts))
    return replace(source, column=_column(path, stripped, columns, purpose=name))


def _column(path: Path, name: str, columns: Sequence[str], *, purpose: str) -> str:
    stripped = name.strip()
    if stripped in columns:
        return stripped
    if f"{stripped}#1" in columns:
        raise InputFileError(
            path,
            f"there is more than one column `{shown(stripped)}`",
            remedy=f"Write `{shown(stripped)}#1` or `{shown(stripped)}#2`.",
        )
    close = get_close_matches(stripped, columns, n=1)
    mean = f"Did you mean `{shown(close[0])}`? " if close else ""
    raise InputFileError(
        path, f"there is no column `{shown(stripped)}` for {purpose}", remedy=f"{mean}{named(columns)}"
    )
