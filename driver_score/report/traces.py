"""The speed of one trip, as a chart: its limit, where it was exceeded, and its hard events."""

from typing import Final

import numpy as np
import plotly.graph_objects as go
import polars as pl

from driver_score.report.gaps import is_gap
from driver_score.report.hard_events import HardEvent, distinct_events, hard_events_of
from driver_score.report.style import BAND_COLOURS, INK, Chart, chart
from driver_score.report.wording import counted
from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.features.parameters import kernel_parameters

MAX_POINTS: Final = 1_500
"""Points of a trace: more than a wide screen has pixels for; of longer trips each stretch keeps its extremes."""

MIN_TOP_KMH: Final = 30.0
"""Least top of the axis of speed, so that a walking pace looks slow."""

SPEED_COLOUR: Final = BAND_COLOURS["low"]
OVER_COLOUR: Final = BAND_COLOURS["high"]

MARKS: Final = {
    "hard_brake": ("Hard brake", "triangle-down", "#cf4a0c"),
    "hard_acceleration": ("Hard acceleration", "triangle-up", "#b07a00"),
    "hard_corner": ("Hard corner", "diamond", "#7b4fa3"),
}
"""Name, symbol and colour of each kind of hard event: told apart by shape as well."""

_MS_PER_MINUTE: Final = 60_000


def trip_chart(trip_events: pl.DataFrame, profile: ThresholdProfile, *, name: str) -> Chart | None:
    """Draw one trip's speed.

    Parameters
    ----------
    trip_events
        The trip's events, of ``EVENT_SCHEMA``, in any order.
    profile
        Thresholds of hard events, speeding and gaps.
    name
        Of the chart's element.

    Returns
    -------
    Chart or None
        None where the trip has no speed.
    """
    trip = distinct_events(trip_events)
    speeds = trip.filter(pl.col("speed_kmh").is_not_null())
    if speeds.is_empty():
        return None
    start_ms = int(trip["timestamp_ms"][0])
    minutes = ((pl.col("timestamp_ms") - start_ms) / _MS_PER_MINUTE).round(3)
    drawn = _with_gaps(_thinned(speeds), speeds, profile).with_columns(minutes=minutes)
    limit = pl.col("speed_limit_kmh")
    over = drawn.select(
        "minutes", speed=pl.when(pl.col("speed_kmh") > limit + profile.speeding_kmh[0]).then(pl.col("speed_kmh"))
    )

    figure = go.Figure()
    if drawn["speed_limit_kmh"].count():
        figure.add_scatter(
            x=drawn["minutes"].to_list(),
            y=drawn["speed_limit_kmh"].to_list(),
            mode="lines",
            line={"color": INK, "width": 1.5, "dash": "dot", "shape": "hv"},
            hovertemplate="limit %{y:.0f} km/h<extra></extra>",
        )
    figure.add_scatter(
        x=drawn["minutes"].to_list(),
        y=drawn["speed_kmh"].round(1).to_list(),
        mode="lines",
        line={"color": SPEED_COLOUR, "width": 2},
        hovertemplate="%{y:.0f} km/h after %{x:.1f} min<extra></extra>",
    )
    figure.add_scatter(
        x=over["minutes"].to_list(),
        y=over["speed"].round(1).to_list(),
        mode="lines",
        line={"color": OVER_COLOUR, "width": 4},
        hoverinfo="skip",
    )
    hard_events = hard_events_of(trip, kernel_parameters(profile, WindowSettings()))
    _mark_events(figure, hard_events, speeds, start_ms)
    fastest_kmh = float(speeds["speed_kmh"].to_numpy().max())
    top_kmh = max(fastest_kmh, MIN_TOP_KMH, *speeds["speed_limit_kmh"].drop_nulls().unique())
    figure.update_layout(
        margin={"t": 10},
        xaxis={"title": {"text": "minutes"}, "showgrid": False, "rangemode": "tozero"},
        yaxis={"title": {"text": "km/h"}, "range": [0, top_kmh * 1.12], "nticks": 5},
    )
    counts = ", ".join(
        counted(sum(event.kind == kind for event in hard_events), label.lower())
        for kind, (label, _, _) in MARKS.items()
    )
    alt = f"Speed over {speeds.height:,} samples, at most {fastest_kmh:.0f} km/h; {counts}."
    return chart(figure, name, height_px=215, alt=alt)


def _mark_events(figure: go.Figure, hard_events: list[HardEvent], speeds: pl.DataFrame, start_ms: int) -> None:
    times = speeds["timestamp_ms"].to_numpy()
    for kind, (label, symbol, colour) in MARKS.items():
        at_ms = [event.timestamp_ms for event in hard_events if event.kind == kind]
        if not at_ms:
            continue
        rows = np.maximum(np.searchsorted(times, at_ms, side="right") - 1, 0)
        figure.add_scatter(
            x=[round((moment - start_ms) / _MS_PER_MINUTE, 3) for moment in at_ms],
            y=speeds["speed_kmh"].gather(rows).round(1).to_list(),
            mode="markers",
            marker={"symbol": symbol, "size": 11, "color": colour, "line": {"color": "#ffffff", "width": 1}},
            hovertemplate=f"{label} at %{{y:.0f}} km/h after %{{x:.1f}} min<extra></extra>",
            cliponaxis=False,
        )


def _thinned(speeds: pl.DataFrame) -> pl.DataFrame:
    """Keep the slowest and the fastest sample of each of `MAX_POINTS` / 2 stretches of a long trip."""
    if speeds.height <= MAX_POINTS:
        return speeds
    stretch = pl.int_range(pl.len()) * (MAX_POINTS // 2) // pl.len()
    numbered = speeds.with_row_index("row").with_columns(stretch=stretch)
    extremes = numbered.group_by("stretch").agg(
        slowest=pl.col("row").gather(pl.col("speed_kmh").arg_min()).first(),
        fastest=pl.col("row").gather(pl.col("speed_kmh").arg_max()).first(),
    )
    kept = pl.concat([extremes["slowest"], extremes["fastest"]]).unique().sort()
    return speeds[kept.to_list()]


def _with_gaps(drawn: pl.DataFrame, speeds: pl.DataFrame, profile: ThresholdProfile) -> pl.DataFrame:
    """Add an empty row in each gap, so that no line is drawn over time of which nothing is known."""
    gaps = speeds.filter(is_gap(pl.col("timestamp_ms").diff() / 1000, profile)).select("timestamp_ms")
    breaks = gaps.with_columns(pl.col("timestamp_ms") - 1)
    return pl.concat([drawn, breaks], how="diagonal").sort("timestamp_ms")
