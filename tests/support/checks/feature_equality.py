"""Whether streamed trips have the features of the batch."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from schemas.features import FEATURE_NAMES
from tests.support.servers.running_worker import last_finals

TOLERANCE = 1e-9


def unlike(
    final: Mapping[str, Any], expected: Mapping[str, Any], tolerance: float = TOLERANCE
) -> Iterator[tuple[str, float, float]]:
    """Yield the features of a final score that are not those of the batch: name, streamed, expected."""
    for name in FEATURE_NAMES:
        streamed = math.nan if final[name] is None else float(final[name])
        both_null = math.isnan(streamed) and math.isnan(expected[name])
        if not both_null and not math.isclose(streamed, expected[name], rel_tol=tolerance, abs_tol=0.0):
            yield name, streamed, expected[name]


def unequal_features(scores: list[dict[str, Any]], expected: pl.DataFrame) -> list[tuple[str, str, Any, Any]]:
    """Return where the newest final scores differ from the batch: trip, feature, streamed, expected."""
    finals = last_finals(scores)
    return [
        (row["trip_id"], *different)
        for row in expected.iter_rows(named=True)
        for different in unlike(finals[row["vehicle_id"], row["trip_id"]], row)
    ]
