"""The ranking of drivers."""

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

ENDS: Final = 10
"""Drivers shown of either end of the ranking; the others can be unfolded."""

MAX_LISTED: Final = 1_000
"""Drivers in an unfolded list; of more, the lowest, so that the page stays light."""


@dataclass(frozen=True)
class DriverRanking:
    """Rated drivers by score with their exposure, as rows; those not rated yet apart.

    Attributes
    ----------
    lowest, highest
        Both ends, each from the end inwards; ``highest`` is empty where ``lowest`` has all.
    listed
        All rated drivers, lowest first, at most `MAX_LISTED`; empty where ``lowest`` has all.
    rated
        How many there are.
    unrated
        Drivers without a score, those with most driving first, at most `MAX_LISTED`.
    unrated_count
        How many there are.
    """

    lowest: list[dict[str, Any]]
    highest: list[dict[str, Any]]
    listed: list[dict[str, Any]]
    rated: int
    unrated: list[dict[str, Any]]
    unrated_count: int


def driver_ranking(profiles: pl.DataFrame, names: dict[str, str]) -> DriverRanking:
    """Rank the rated drivers.

    Parameters
    ----------
    profiles
        What `driver_score.report.frames.latest_profiles` gives.
    names
        Of clients, by id.
    """
    shown = profiles.with_columns(
        client=pl.col("client_id").replace_strict(names, default=pl.col("client_id"), return_dtype=pl.String),
        hours=pl.col("duration_s") / 3600,
        change=pl.col("score") - pl.col("previous_score"),
    )
    rated = shown.filter(pl.col("score").is_not_null()).sort("score", "driver_id")
    rated = rated.with_columns(rank=pl.col("score").rank("min", descending=True))
    unrated = shown.filter(pl.col("score").is_null()).sort("distance_km", "driver_id", descending=[True, False])
    all_fit = rated.height <= 2 * ENDS
    return DriverRanking(
        lowest=(rated if all_fit else rated.head(ENDS)).to_dicts(),
        highest=[] if all_fit else rated.tail(ENDS).reverse().to_dicts(),
        listed=[] if all_fit else rated.head(MAX_LISTED).to_dicts(),
        rated=rated.height,
        unrated=unrated.head(MAX_LISTED).to_dicts(),
        unrated_count=unrated.height,
    )
