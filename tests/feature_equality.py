"""Whether streamed trips have the features of the batch."""

import math
from typing import Any

import polars as pl

from schemas.features import FEATURE_NAMES
from tests.running_worker import last_finals

TOLERANCE = 1e-9


def unequal_features(scores: list[dict[str, Any]], expected: pl.DataFrame) -> list[tuple[str, str, Any, Any]]:
    """Return where the newest final scores differ from the batch: trip, feature, streamed, expected."""
    finals = last_finals(scores)
    different = []
    for row in expected.iter_rows(named=True):
        final = finals[row["vehicle_id"], row["trip_id"]]
        for name in FEATURE_NAMES:
            streamed = math.nan if final[name] is None else float(final[name])
            both_null = math.isnan(streamed) and math.isnan(row[name])
            if not both_null and not math.isclose(streamed, row[name], rel_tol=TOLERANCE, abs_tol=0.0):
                different.append((row["trip_id"], name, streamed, row[name]))
    return different
