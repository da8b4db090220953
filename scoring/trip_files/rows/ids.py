"""Ids as people have them, number plates and names, as ids that an event can have."""

import hashlib
import re
from typing import Final

import polars as pl

from schemas.messages.trip_event import ID_PATTERN, MAX_ID_BYTES
from scoring.trip_files.tables.file_text import shown

_ILLEGAL: Final = re.compile(r"[^A-Za-z0-9_.:\-]")
_HASH_CHARACTERS: Final = 8
_MOST_NAMED: Final = 3


def legal_ids(events: pl.DataFrame, columns: tuple[str, ...]) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Replace ids that an event can't have, and say which.

    Each character that is not allowed becomes ``_``, the id is cut to fit, and a hash of the whole original is
    added: the same id becomes the same, and two ids stay two. ``B MW 1234`` becomes ``B_MW_1234.c0b8cbb2``.

    Returns
    -------
    tuple of DataFrame and tuple of str
        The events, and a sentence for each column with such ids.
    """
    remarks = []
    for column in columns:
        if column not in events.columns:
            continue
        distinct = events[column].unique(maintain_order=True).drop_nulls()
        illegal = distinct.filter(~distinct.str.contains(ID_PATTERN) & (distinct != "")).to_list()
        if not illegal:
            continue
        replaced = [_legal(given) for given in illegal]
        events = events.with_columns(pl.col(column).replace(illegal, replaced))
        named = ", ".join(f"{shown(old)} → {new}" for old, new in zip(illegal[:_MOST_NAMED], replaced, strict=False))
        more = f" and {len(illegal) - _MOST_NAMED:,} more" if len(illegal) > _MOST_NAMED else ""
        remarks.append(f"{len(illegal):,} {column} replaced ({named}{more})")
    return events, tuple(remarks)


def _legal(given: str) -> str:
    digest = hashlib.sha256(given.encode()).hexdigest()[:_HASH_CHARACTERS]
    return f"{_ILLEGAL.sub('_', given)[: MAX_ID_BYTES - _HASH_CHARACTERS - 1]}.{digest}"
