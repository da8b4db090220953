"""Trips put together: scores by client, by class and by vehicle, and what pulls them down."""

from typing import Final

import polars as pl

from scoring.model import MIN_IMPACT_POINTS

MIN_GROUP_TRIPS: Final = 3
"""Scored trips from which a group is compared with others; the median of two is one trip's luck."""


def display_names(client_ids: pl.Series) -> dict[str, str]:
    """Return clients the names people call them by: ``client_harbor`` is Harbor, unless that name is another's."""
    ids = client_ids.unique().sort().to_list()
    names = [client_id.removeprefix("client_").replace("_", " ").strip().capitalize() or client_id for client_id in ids]
    return dict(zip(ids, names if len(set(names)) == len(ids) else ids, strict=True))


def score_groups(trips: pl.DataFrame, by: str) -> pl.DataFrame:
    """Summarise the trips of each value of a column.

    Parameters
    ----------
    trips
        One row a trip, of `driver_score.report.frames.TRIP_SCHEMA`.
    by
        Column to group by.

    Returns
    -------
    polars.DataFrame
        Groups with a scored trip, lowest median first: ``label``, ``trips``, ``scored``, ``high`` (high-risk trips),
        ``distance_km``, ``scores`` (list), ``median``, ``p10``, ``p25``, ``p75``, ``p90``.
    """
    score = pl.col("score")
    return (
        trips.group_by(pl.col(by).alias("label"))
        .agg(
            trips=pl.len(),
            scored=score.count(),
            high=(pl.col("band") == "high").sum(),
            distance_km=pl.col("distance_km").sum(),
            scores=score.drop_nulls().sort(),
            median=score.median(),
            **{f"p{share}": score.quantile(share / 100, "linear") for share in (10, 25, 75, 90)},
        )
        .filter(pl.col("scored") > 0)
        .sort("median", "label")
    )


def factor_costs(trips: pl.DataFrame) -> pl.DataFrame:
    """Sum up what each factor took away, as far as it was among a trip's three largest.

    Returns
    -------
    polars.DataFrame
        Most costly first: ``reason`` (code), ``points`` (mean points lost per scored trip, positive), ``share`` (of the
        scored trips on which it took points away); factors that would be shown as 0.0 points are left out.
    """
    scored = trips.filter(pl.col("score").is_not_null())
    impacts = pl.concat(
        scored.select(reason=f"reason_{rank}", impact=f"reason_{rank}_impact") for rank in (1, 2, 3)
    ).filter(pl.col("reason").is_not_null() & (pl.col("impact") < 0))
    return (
        impacts.group_by("reason")
        .agg(points=-pl.col("impact").sum() / scored.height, share=pl.len() / scored.height)
        .filter(pl.col("points") >= MIN_IMPACT_POINTS)
        .sort("points", "reason", descending=[True, False])
    )


def vehicles_of_half(vehicles: pl.DataFrame) -> int:
    """Count the fewest vehicles that together have at least half of the high-risk trips; 0 where there are none."""
    high = vehicles["high"].sort(descending=True)
    return int((high.cum_sum() < high.sum() / 2).sum()) + 1 if high.sum() else 0
