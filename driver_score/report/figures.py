"""Charts of many trips: how scores spread over the fleet, over its groups, and over its drivers."""

from typing import Final

import plotly.graph_objects as go
import polars as pl

from driver_score.report.style import ACCENT, BAND_COLOURS, INK, Chart, chart, plot_text, short_label, tint_bands
from scoring.model import BandLimits

BIN_POINTS: Final = 5
"""Width of a bar of the distribution: 20 bars, which a phone can still show."""

MAX_GROUPS: Final = 12
"""Groups in one chart: as many as fit a screen; the lowest are shown."""

FEW_TRIPS: Final = 8
"""Below this many, quartiles say less than the trips themselves, which are drawn as dots."""

MAX_DRIVERS_DRAWN: Final = 5_000
"""Dots that a browser draws without delay; of more drivers, this many are drawn at random, and it is said."""

_ROW_PX: Final = 50


def score_distribution(trips: pl.DataFrame, limits: BandLimits) -> Chart:
    """Draw how many scored trips there are at each score, coloured by band."""
    counts = (
        trips.filter(pl.col("score").is_not_null())
        .with_columns(lowest=(pl.col("score") // BIN_POINTS * BIN_POINTS).clip(0, 100 - BIN_POINTS))
        .group_by("lowest", "band")
        .len()
        .sort("lowest")
    )
    figure = go.Figure()
    for (band,), bars in counts.group_by("band", maintain_order=True):
        figure.add_bar(
            x=(bars["lowest"] + BIN_POINTS / 2).to_list(),
            y=bars["len"].to_list(),
            width=BIN_POINTS * 0.9,
            marker={"color": BAND_COLOURS[str(band)], "line_width": 0},
            customdata=[f"{lowest:.0f} to {lowest + BIN_POINTS:.0f}" for lowest in bars["lowest"]],
            hovertemplate=f"score %{{customdata}}<br>%{{y:,}} trips, {band} risk<extra></extra>",
        )
    figure.update_layout(
        barmode="stack",
        xaxis={"range": [0, 100], "dtick": 20, "title": {"text": "score"}, "showgrid": False},
        yaxis={"title": {"text": "trips"}, "rangemode": "tozero", "tickformat": ",d", "nticks": 6},
    )
    tint_bands(figure, limits, axis="x")
    alt = "; ".join(
        f"{row['len']:,} {row['band']} risk"
        for row in trips.drop_nulls("score")["band"].value_counts(sort=True, name="len").to_dicts()
    )
    return chart(figure, "distribution", height_px=300, alt=f"Histogram of trip scores: {alt}.")


def score_ranges(groups: pl.DataFrame, limits: BandLimits, *, name: str) -> Chart:
    """Draw the scores of groups below one another, each with its middle half and median.

    Parameters
    ----------
    groups
        What `driver_score.report.groups.score_groups` gives, in the order to be drawn, at most `MAX_GROUPS` rows.
    limits
        Risk bands, shaded behind.
    name
        Of the chart's element.
    """
    figure = go.Figure()
    wide: tuple[list[float | None], list[int | None]] = ([], [])
    middle: tuple[list[float | None], list[int | None]] = ([], [])
    dots: tuple[list[float], list[int]] = ([], [])
    rows = groups.head(MAX_GROUPS).to_dicts()
    for place, row in enumerate(rows):
        if row["scored"] < FEW_TRIPS:
            dots[0].extend(row["scores"])
            dots[1].extend([place] * row["scored"])
        else:
            for line, low, high in ((wide, "p10", "p90"), (middle, "p25", "p75")):
                line[0].extend([row[low], row[high], None])
                line[1].extend([place, place, None])
        figure.add_annotation(
            x=0,
            xref="paper",
            xanchor="left",
            y=place,
            yanchor="bottom",
            yshift=7,
            showarrow=False,
            text=f"<b>{short_label(row['label'])}</b>  {row['scored']:,} {'trip' if row['scored'] == 1 else 'trips'}",
        )
    figure.add_scatter(x=wide[0], y=wide[1], mode="lines", line={"color": INK, "width": 1.5}, hoverinfo="skip")
    figure.add_scatter(x=middle[0], y=middle[1], mode="lines", line={"color": ACCENT, "width": 9}, hoverinfo="skip")
    figure.add_scatter(
        x=dots[0], y=dots[1], mode="markers", marker={"color": ACCENT, "size": 8, "opacity": 0.55}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=[row["median"] for row in rows],
        y=list(range(len(rows))),
        mode="markers+text",
        marker={"color": "#ffffff", "size": 12, "line": {"color": "#27333f", "width": 3}},
        text=[f"<b>{row['median']:.0f}</b>" for row in rows],
        textposition="bottom center",
        customdata=[[plot_text(row["label"]), row["scored"], row["high"], row["distance_km"]] for row in rows],
        hovertemplate="%{customdata[0]}<br>median %{x:.0f}, %{customdata[1]:,} scored trips"
        "<br>%{customdata[2]:,} high risk, %{customdata[3]:,.0f} km<extra></extra>",
        cliponaxis=False,
    )
    figure.update_layout(
        margin={"l": 14},
        xaxis={"range": [0, 100], "dtick": 20, "showgrid": False},
        yaxis={"range": [len(rows) - 0.4, -0.8], "visible": False},
    )
    tint_bands(figure, limits, axis="x")
    alt = "; ".join(f"{row['label']}: median {row['median']:.0f} of {row['scored']} trips" for row in rows)
    return chart(figure, name, height_px=90 + _ROW_PX * len(rows), alt=f"Ranges of trip scores. {alt}.")


def driver_exposure(profiles: pl.DataFrame, limits: BandLimits) -> Chart:
    """Draw each rated driver by distance and rolling score.

    Parameters
    ----------
    profiles
        Newest profiles; those without a score are left out.
    limits
        Risk bands, shaded behind.
    """
    rated = profiles.filter(pl.col("score").is_not_null())
    if rated.height > MAX_DRIVERS_DRAWN:
        rated = rated.sample(MAX_DRIVERS_DRAWN, seed=0)
    figure = go.Figure()
    for (band,), drivers in rated.group_by("band", maintain_order=True):
        figure.add_scatter(
            x=drivers["distance_km"].round(2).to_list(),
            y=drivers["score"].round(1).to_list(),
            mode="markers",
            marker={"color": BAND_COLOURS[str(band)], "size": 9, "opacity": 0.7, "line_width": 0},
            text=[plot_text(driver) for driver in drivers["driver_id"]],
            hovertemplate="%{text}<br>score %{y:.0f}, %{x:,.0f} km<extra></extra>",
        )
    figure.update_layout(
        xaxis={"title": {"text": "km driven"}, "rangemode": "tozero", "tickformat": ","},
        yaxis={"range": [0, 102], "dtick": 20, "title": {"text": "driver score"}, "showgrid": False},
    )
    tint_bands(figure, limits, axis="y")
    return chart(
        figure,
        "drivers",
        height_px=360,
        alt=f"Scores of {rated.height:,} rated drivers against the distance they drove; the tables give the numbers.",
    )
