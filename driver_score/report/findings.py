"""Headings that say what was found, and say less where there is little to say it of."""

from typing import Final

import polars as pl

from driver_score.report.groups import MIN_GROUP_TRIPS, vehicles_of_half
from driver_score.report.quality import InputQuality
from driver_score.report.wording import counted, factor_name

ALIKE_POINTS: Final = 3.0
"""Medians closer than this are called alike: a trip's score moves more with a single hard brake."""


def of_scores(trips: pl.DataFrame) -> str:
    """Say how the trips are spread over the bands."""
    bands = trips.filter(pl.col("score").is_not_null())["band"]
    if bands.is_empty():
        return "No trip has a score yet"
    high = int((bands == "high").sum())
    if len(bands) == 1:
        return f"The one scored trip is of {bands[0]} risk"
    share = int((bands == "low").sum()) / len(bands)
    if high == 0:
        return f"No trip is of high risk, and {share:.0%} are of low risk"
    return f"{share:.0%} of the scored trips are of low risk, {high / len(bands):.1%} of high risk"


def of_groups(groups: pl.DataFrame, many: str, verb: str = "scores") -> str:
    """Compare those groups that have enough trips; ``groups`` as `.groups.score_groups` gives them."""
    comparable = groups.filter(pl.col("scored") >= MIN_GROUP_TRIPS)
    if comparable.height < 2:  # noqa: PLR2004 - a comparison needs two
        return f"Too few trips to compare {many} yet"
    lowest, highest = comparable.row(0, named=True), comparable.row(-1, named=True)
    if highest["median"] - lowest["median"] < ALIKE_POINTS:
        return f"The {many} score alike: medians of {lowest['median']:.0f} to {highest['median']:.0f}"
    return (
        f"{lowest['label']} {verb} lowest: median {lowest['median']:.0f}, against {highest['median']:.0f} "
        f"of {highest['label']}"
    )


def of_vehicles(vehicles: pl.DataFrame) -> str:
    """Say how far the high-risk trips are concentrated on few vehicles."""
    high = int(vehicles["high"].sum())
    if high == 0:
        return f"No vehicle had a high-risk trip; the lowest median is {vehicles.row(0, named=True)['median']:.0f}"
    few = vehicles_of_half(vehicles)
    return f"{counted(few, 'vehicle')} of {vehicles.height:,} made half of the {counted(high, 'high-risk trip')}"


def of_factors(costs: pl.DataFrame) -> str:
    """Name the factor that costs the fleet most."""
    if costs.is_empty():
        return "Nothing pulls the scores down"
    worst = costs.row(0, named=True)
    return f"{factor_name(worst['reason'])} costs the most: {worst['points']:.1f} points a trip on average"


def of_riskiest(riskiest: pl.DataFrame, scored: int) -> str:
    """Say what weighs most on the trips with the lowest scores."""
    if not scored:
        return f"No trip can be scored yet; {'this one' if riskiest.height == 1 else 'these'} had the most hard events"
    if riskiest.height == scored:
        return "The trip in detail" if scored == 1 else f"All {scored} scored trips, the lowest first"
    against = riskiest.filter(pl.col("reason_1_impact") < 0)["reason_1"]
    if against.is_empty():
        return f"The {riskiest.height} trips with the lowest scores"
    top = against.value_counts(sort=True, name="trips").sort("trips", "reason_1", descending=[True, False]).row(0)
    share = "all of" if top[1] == riskiest.height else f"{top[1]} of"
    return f"{factor_name(top[0])} weighs most on {share} the {riskiest.height} riskiest trips"


def of_drivers(profiles: pl.DataFrame) -> str:
    """Say how many of the rated drivers are of high risk."""
    rated = profiles.filter(pl.col("score").is_not_null())
    if rated.is_empty():
        return "No driver has driven enough to be rated"
    high = int((rated["band"] == "high").sum())
    if rated.height == 1:
        row = rated.row(0, named=True)
        return f"The one rated driver scores {row['score']:.0f}"
    if high == 0:
        return f"None of the {rated.height:,} rated drivers is in the high-risk band"
    return f"{high:,} of {rated.height:,} rated drivers {'is' if high == 1 else 'are'} in the high-risk band"


def of_quality(quality: InputQuality) -> str:
    """Say how much of the input could be used."""
    share = quality.usable_share
    if share is None:
        return "No events came in"
    rejected = quality.rejected / (quality.events + quality.rejected)
    large = [loss for loss in quality.losses if loss.is_large and loss.share > rejected]
    if large:
        worst = max(large, key=lambda loss: loss.share)
        return f"{worst.count:,} of {worst.of:,} {worst.what}"
    if quality.rejected == 0:
        return f"All {quality.events:,} events could be read"
    shown = f"{share:.1%}" if share < 0.9995 else "More than 99.9%"  # noqa: PLR2004 - what would be shown as 100.0%
    return f"{shown} of the events could be read, {quality.rejected:,} could not"
