"""Values of fields as a table has them: unknown, texts with a meaning, numbers in their units."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from schemas.messages.trip_event import NO_DRIVER_WORDS
from scoring.errors import InputFileError
from scoring.trip_files.column_maps.column_map import ColumnMap, FieldSource
from scoring.trip_files.column_maps.units import UNIT_FACTORS
from scoring.trip_files.tables.field_sources import source_columns
from scoring.trip_files.tables.file_text import shown
from scoring.trip_files.tables.text_table import UNKNOWN_TEXTS

_DECIMAL_COMMA: Final = r"^\s*[+-]?\d+,\d+\s*$"
_MAYBE_THOUSANDS: Final = r"^\s*[+-]?\d{1,3},\d{3}\s*$"
_MIN_ROWS_FOR_ONE: Final = 20
"""In a file of fewer rows, one that can't be read says as much about the map as about the row."""


@dataclass
class Unreadable:
    """Values that can't be read: counted, and refused where they are many.

    Parameters
    ----------
    path
        The file.
    first_row
        Line of its first row.
    rows
        Number of its rows.
    max_share
        Share of rows above which the file is refused.
    """

    path: Path
    first_row: int
    rows: int
    max_share: float
    counts: dict[str, int] = field(default_factory=dict)

    def check(self, name: str, given: pl.Series, parsed: pl.Series, column: str | None) -> None:
        """Count the values of a field that were given and not parsed.

        Raises
        ------
        InputFileError
            If they are more than may be.
        """
        unparsed = given.is_not_null() & parsed.is_null()
        count = int(unparsed.sum())
        if not count:
            return
        if count > most_bad_rows(self.rows, self.max_share):
            row = unparsed.arg_max() or 0
            raise InputFileError(
                self.path,
                f"{count:,} values of column `{shown(column)}` are no {name}, "
                f"the first is `{shown(given[row])}` in line {row + self.first_row}",
                remedy=_remedy(name, given[row], column),
            )
        self.counts[f"unreadable {name}"] = count


def most_bad_rows(rows: int, max_share: float) -> float:
    """Return how many rows may be bad: a share, and one in a file of some length unless the share is zero."""
    return max(max_share * rows, 1 if max_share and rows >= _MIN_ROWS_FOR_ONE else 0)


def _remedy(name: str, value: object, column: str | None) -> str:
    """Say what to type; a text without digits may stand for "unknown", a number may not."""
    text = str(value)
    if name == "timestamp":
        example = shlex.quote(f"timestamp={shown(column)}:%d.%m.%Y %H:%M:%S")
        return f"Say its format, for example --map {example}; times without an offset need --time-zone."
    if any(char.isdigit() for char in text) or shown(text) != text:
        return "Correct the file, or the column or unit of the map."
    return f"Correct the file or the map; if the text means unknown, add --unknown {shlex.quote(f'{name}={text}')}."


def given_values(path: Path, rows: pl.DataFrame, name: str, source: FieldSource, column_map: ColumnMap) -> pl.Series:
    """Return a field's values as the table has them, those that stand for "unknown" null.

    Raises
    ------
    InputFileError
        If the column has lists or structs.
    """
    columns = source_columns(source, rows.columns)
    if not columns:
        return pl.Series([source.constant], dtype=pl.String).new_from_index(0, rows.height)
    if len(columns) > 1:
        return _joined(rows, columns)
    given = rows[columns[0]]
    if given.dtype.is_nested():
        raise InputFileError(
            path, f"column `{source.column}` ({given.dtype}) is nested", remedy=f"Map {name} to a plain column."
        )
    if isinstance(given.dtype, pl.Categorical | pl.Enum):
        given = given.cast(pl.String)
    if given.dtype.is_float():
        given = given.fill_nan(None)
    given = _without_unknown(rows, given, column_map.unknown.get(name, ()))
    meanings = column_map.texts.get(name)
    if meanings:
        given = given.cast(pl.String).replace(list(meanings), list(meanings.values()))
    if name == "driver_id":
        given = given.cast(pl.String)
        word = given.str.to_lowercase().str.replace_all(" ", "", literal=True)
        given = rows.select(pl.when(~(word.is_in(NO_DRIVER_WORDS) | word.str.contains("^0*$"))).then(given)).to_series()
    return given


def parsed_text(given: pl.Series) -> pl.Series:
    """Return texts without blanks around them; a whole number that a float column has, without its ``.0``."""
    if given.dtype.is_float() and (given.drop_nulls() % 1 == 0).all():
        given = given.cast(pl.Int64, strict=False)
    text = given.cast(pl.String).str.strip_chars()
    return text.to_frame("text").select(pl.when(~pl.col("text").is_in(list(UNKNOWN_TEXTS))).then("text")).to_series()


def parsed_number(given: pl.Series, name: str, unit: str | None, *, separator: str | None) -> pl.Series:
    """Return numbers in the event frame's unit.

    A comma is a decimal comma where the columns are separated by another character; where they are separated by
    commas, if no value of the column has a point, and not all can be thousands.
    """
    if given.dtype == pl.String:
        given = decimal_points(given, separator=separator)
    factor = UNIT_FACTORS.get(name, {}).get(unit, 1.0) if unit else 1.0
    number = given.cast(pl.Float64, strict=False) * factor
    return number.to_frame("number").select(pl.when(pl.col("number").is_finite()).then("number")).to_series()


def decimal_points(given: pl.Series, *, separator: str | None) -> pl.Series:
    """Write decimal commas as points, where they are decimal commas."""
    with_comma = given.str.contains(_DECIMAL_COMMA)
    if not with_comma.any():
        return given
    if separator in {",", None}:
        maybe_thousands = given.filter(with_comma).str.contains(_MAYBE_THOUSANDS)
        if given.str.contains(".", literal=True).any() or maybe_thousands.all():
            return given
    return given.str.replace(",", ".", literal=True)


def _joined(rows: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """Join columns by a blank, such as a date and a time; null where one is unknown."""
    texts = [pl.col(column).cast(pl.String).str.strip_chars() for column in columns]
    return rows.select(pl.concat_str(texts, separator=" ")).to_series()


def _without_unknown(rows: pl.DataFrame, given: pl.Series, unknown: Sequence[str]) -> pl.Series:
    if not unknown:
        return given
    numbers = pl.Series(unknown, dtype=pl.String).cast(pl.Float64, strict=False).drop_nulls()
    as_number = given.cast(pl.Float64, strict=False) if given.dtype.is_numeric() or given.dtype == pl.String else None
    stands_for_unknown = given.cast(pl.String).is_in([text.strip() for text in unknown])
    if as_number is not None and len(numbers):
        stands_for_unknown |= as_number.is_in(numbers.implode()).fill_null(value=False)
    return rows.select(pl.when(~stands_for_unknown).then(given)).to_series()
