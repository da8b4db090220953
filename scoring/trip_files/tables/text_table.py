"""CSV files as people have them, as a table of texts: where the header is, what separates, which lines are no rows."""

import csv
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from scoring.errors import InputFileError
from scoring.trip_files.tables.file_text import first_line, read_text, shown

UNKNOWN_TEXTS: Final = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "none", "NONE", "-", "--", r"\N")
"""Texts that stand for "unknown" in every column of a CSV file."""

_SEPARATORS: Final = ",;\t|"
_COMMENT: Final = "#"
_HEADER_LINES: Final = 200
"""Lines in which a header is searched: loggers write some ten lines before it."""

_EXTRA: Final = "_extra"
_MAX_COLUMNS_NAMED: Final = 40


@dataclass(frozen=True)
class Table:
    """Rows of somebody's file.

    Attributes
    ----------
    rows
        Its columns, by their names without blanks around them.
    first_row
        Number of the line, or row, of the first row.
    separator
        What separated the columns; null where nothing did.
    dropped, remarks
        As in `ReadSummary`.
    """

    rows: pl.DataFrame
    first_row: int
    separator: str | None = None
    dropped: Counter[str] = field(default_factory=Counter)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Header:
    """Where the header is: number of lines before it, byte where the rows begin, the separator, the names."""

    line: int
    rows_begin: int
    separator: str
    names: list[str]


def read_text_table(path: Path, wanted: Collection[str], *, skip_lines: int | None = None) -> Table:
    """Read a CSV file of texts.

    The header is the line that has most of the wanted names; before it may be anything. Comments begin with ``#``.
    The separator is, of comma, semicolon, tab and bar, the one by which the header has most of the names.

    Parameters
    ----------
    path
        The file.
    wanted
        Names of columns that are expected.
    skip_lines
        Lines before the header; null to find it.

    Raises
    ------
    InputFileError
        If the file can't be read or has no header.
    """
    text = read_text(path)
    header = _find_header(path, text.content, wanted, skip_lines)
    body, comments = _without_comments(text.content[header.rows_begin :], header)
    rows = _parse(path, body, header)
    columns = rows.columns[: len(header.names)]
    has_text = pl.any_horizontal(pl.col(rows.columns).is_not_null()) if columns else pl.lit(value=False)
    rows = rows.filter(has_text)
    is_header = pl.all_horizontal(
        pl.col(column) == name for column, name in zip(columns, header.names, strict=True) if name
    )
    counted = rows.select(repeated=is_header.sum(), longer=(pl.col(_EXTRA).is_not_null() & ~is_header).sum()).row(0)
    dropped = Counter(text.dropped)
    if counted[0]:
        dropped["the header again"] += counted[0]
        rows = rows.filter(~is_header.fill_null(value=False))
    if counted[1]:
        dropped["more columns than the header"] += counted[1]
        rows = rows.filter(pl.col(_EXTRA).is_null())
    remarks = [*text.remarks, *_remarks(header, comments, skip_lines)]
    rows = rows.drop(_EXTRA).rename(dict(zip(columns, _unique(header.names), strict=True)))
    return Table(rows, header.line + 2, header.separator, dropped, tuple(remarks))


def named(columns: Sequence[str]) -> str:
    """List a file's columns for an error."""
    more = len(columns) - _MAX_COLUMNS_NAMED
    names = ", ".join(shown(name) for name in columns[:_MAX_COLUMNS_NAMED])
    return f"Its columns are {names}{f' and {more} more' if more > 0 else ''}."


def _find_header(path: Path, content: bytes, wanted: Collection[str], skip_lines: int | None) -> _Header:
    lines: list[tuple[int, str]] = []  # with the byte after each
    begin = 0
    while begin < len(content) and len(lines) < max(_HEADER_LINES, (skip_lines or 0) + 1):
        end = content.find(b"\n", begin)
        end = len(content) if end < 0 else end + 1
        lines.append((end, content[begin:end].decode(errors="replace").rstrip("\r\n")))
        begin = end
    said = next((match[1] for _, line in lines[:1] if (match := re.fullmatch(r'"?sep=(.)"?', line.strip()))), None)
    separators = said or _SEPARATORS
    if skip_lines is not None:
        if skip_lines >= len(lines):
            raise InputFileError(path, f"has only {len(lines)} lines", remedy="Correct --skip-lines.")
        places: Sequence[int] = [skip_lines]
    else:
        places = range(1 if said else 0, len(lines))
    best: tuple[tuple[int, int], _Header] | None = None
    for place in places:
        end, line = lines[place]
        if not line.strip(" \t,;|"):
            continue
        is_comment = line.startswith(_COMMENT)
        for separator in separators:
            names = _cells(line.removeprefix(_COMMENT) if is_comment else line, separator)
            found = len(set(wanted).intersection(names))
            if is_comment and not found:
                continue
            rank = (found, len(names))
            if best is None or rank > best[0]:
                best = (rank, _Header(place, end, separator, names))
    if best is None:
        raise InputFileError(path, "can't be read as CSV (there is no header)", remedy="Check the file.")
    return best[1]


def _cells(line: str, separator: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    except (csv.Error, StopIteration):
        cells = line.split(separator)
    while len(cells) > 1 and not cells[-1].strip():  # a separator at the end of each line
        cells.pop()
    return [cell.strip() for cell in cells]


def _without_comments(body: bytes, header: _Header) -> tuple[bytes, int]:
    """Take out lines that begin with ``#``, unless the first column's values do."""
    separators = header.separator.encode()
    pattern = re.compile(rb"^#[^\n]*(?:\n|\Z)", re.MULTILINE)
    comments = pattern.findall(body)
    if not comments or any(line.count(separators) == len(header.names) - 1 > 0 for line in comments):
        return body, 0
    return pattern.sub(b"", body), len(comments)


def _parse(path: Path, body: bytes, header: _Header) -> pl.DataFrame:
    """Parse the rows: a column ``c0``, ``c1``, … for each name, and one for what a row has beyond them."""
    separator = header.separator.encode()
    quotes = body.count(b'"')
    is_quoted = quotes > 0 and quotes % 2 == 0
    if is_quoted:
        body = re.sub(re.escape(separator) + rb'[ \t]+"', separator + b'"', body)
    columns = [f"c{number}" for number in range(len(header.names))]
    content = header.separator.join([*columns, _EXTRA]).encode() + b"\n" + body

    def parse(quote_char: str | None) -> pl.DataFrame:
        return pl.read_csv(
            content,
            separator=header.separator,
            quote_char=quote_char,
            infer_schema=False,
            truncate_ragged_lines=True,
        )

    try:
        try:
            rows = parse('"' if is_quoted else None)
        except pl.exceptions.PolarsError:
            if not is_quoted:
                raise
            rows = parse(None)  # a damaged line has a quote that nothing ends
    except pl.exceptions.PolarsError as error:
        raise InputFileError(
            path, f"can't be read as CSV ({first_line(error)})", remedy="Check the file, and --skip-lines."
        ) from error
    stripped = pl.all().str.strip_chars(' \t\r\u00a0"' if quotes and not is_quoted else None)
    rows = rows.select(stripped)
    return rows.select(pl.when(~pl.all().is_in(list(UNKNOWN_TEXTS))).then(pl.all()))


def _unique(names: list[str]) -> list[str]:
    """Add numbers to the names that are there more than once, ``speed#1`` and ``speed#2``, and those that are empty."""
    times = Counter(names)
    seen: Counter[str] = Counter()
    unique = []
    for place, name in enumerate(names, start=1):
        seen[name] += 1
        unique.append(f"{name}#{seen[name]}" if times[name] > 1 else name or f"#{place}")
    return unique


def _remarks(header: _Header, comments: int, skip_lines: int | None) -> list[str]:
    remarks = []
    if header.line and skip_lines is None:
        remarks.append(f"the header is line {header.line + 1}")
    if comments:
        remarks.append(f"{comments:,} lines of comments")
    return remarks
