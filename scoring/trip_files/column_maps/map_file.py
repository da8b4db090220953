"""Column maps from TOML files."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from scoring.errors import InputFileError
from scoring.trip_files.column_maps.column_map import ColumnMap, Pivot, known_field, known_time_zone
from scoring.trip_files.column_maps.map_words import (
    join_filters,
    known_gap,
    known_share,
    known_start,
    parse_filter,
    parse_source,
)

_TABLES: Final = ("map", "unknown", "value")
_KEYS: Final = (
    *_TABLES,
    *("where", "pivot", "time_zone", "start", "trip_gap_s", "trip_pause_s", "skip_lines", "max_unreadable"),
)


def read_column_map(path: Path) -> ColumnMap:
    """Read a column map from a TOML file.

    Its tables are ``[map]`` (field to ``"column"``, ``"column:unit"`` or ``"=constant"``), ``[unknown]`` (field to a
    list of texts) and ``[value.<field>]`` (text to meaning); its other keys are the options of the command line:
    ``where`` (a list), ``pivot``, ``time_zone``, ``start``, ``trip_gap_s``, ``trip_pause_s``, ``skip_lines`` and
    ``max_unreadable``.

    Raises
    ------
    InputFileError
        If the file can't be read, is not TOML, or says what no column map can say.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputFileError(path, f"can't be read as TOML ({error})", remedy="See docs/replay.md.") from error
    unexpected = sorted(content.keys() - set(_KEYS))
    if unexpected:
        raise InputFileError(path, f"unknown key {unexpected[0]}", remedy=f"Keys are {', '.join(_KEYS)}.")
    return ColumnMap(
        sources={
            name: parse_source(name, _text(source, path, f"map.{name}"), origin=f"{path}, map.{name}")
            for name, source in _table(content, "map", path).items()
        },
        unknown={
            known_field(name, origin=f"{path}, unknown.{name}"): _texts(texts, path, f"unknown.{name}")
            for name, texts in _table(content, "unknown", path).items()
        },
        texts={
            known_field(name, origin=f"{path}, value.{name}"): {
                text: _text(meaning, path, f"value.{name}.{text}")
                for text, meaning in _table(_table(content, "value", path), name, path).items()
            }
            for name in _table(content, "value", path)
        },
        where=join_filters(
            parse_filter(word, origin=f"{path}, where") for word in _texts(content.get("where", []), path, "where")
        ),
        pivot=_pivot(_optional_text(content, "pivot", path), path),
        time_zone=known_time_zone(_optional_text(content, "time_zone", path)),
        start=known_start(_optional_text(content, "start", path), origin=f"{path}, start"),
        trip_gap_s=known_gap(content.get("trip_gap_s"), origin=str(path)),
        trip_pause_s=known_gap(content.get("trip_pause_s"), origin=str(path), or_zero=True),
        skip_lines=_lines(content.get("skip_lines"), path),
        max_unreadable=known_share(content.get("max_unreadable"), origin=str(path)),
    )


def _table(content: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    table = content.get(key, {})
    if not isinstance(table, dict):
        raise InputFileError(path, f"{key} is no table", remedy=f"Write [{key}] and its fields below.")
    return table


def _texts(given: object, path: Path, key: str) -> tuple[str, ...]:
    return tuple(_text(text, path, key) for text in (given if isinstance(given, list) else [given]))


def _text(given: object, path: Path, key: str) -> str:
    if isinstance(given, str):
        return given
    if isinstance(given, int | float) and not isinstance(given, bool):
        return str(given)
    raise InputFileError(path, f"{key} is no text", remedy="Put it in quotes.")


def _optional_text(content: Mapping[str, Any], key: str, path: Path) -> str | None:
    return None if content.get(key) is None else _text(content[key], path, key)


def _pivot(word: str | None, path: Path) -> Pivot | None:
    if word is None:
        return None
    names, equals, readings = word.partition("=")
    if not names or not equals or not readings:
        raise InputFileError(path, f"pivot `{word}` is none", remedy='Write for example pivot = "PID=VALUE".')
    return Pivot(names, readings)


def _lines(given: object, path: Path) -> int | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise InputFileError(path, f"skip_lines of {given} is none", remedy="Write for example skip_lines = 2.")
    return given
