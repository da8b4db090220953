"""Where nothing is known of a trip: gaps between its samples, as the features know them."""

import polars as pl

from schemas.thresholds import ThresholdProfile
from scoring.features import SPARSE_FACTOR


def is_gap(seconds: pl.Expr, profile: ThresholdProfile) -> pl.Expr:
    """Tell which of a trip's intervals between samples, in seconds and in their order, count neither time nor distance.

    Those longer than ``max_gap_s``, but for a tracker that sends seldom: see docs/features.md.
    """
    usual_s = pl.min_horizontal(SPARSE_FACTOR * seconds.shift().fill_null(0), pl.lit(profile.max_sparse_gap_s))
    return seconds > pl.max_horizontal(usual_s, pl.lit(profile.max_gap_s))
