"""The live view of the demo: throughput, latest scores and riskiest trips."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

_BAND_STYLE: Final = {"low": "green", "moderate": "yellow", "high": "bold red"}


def live_view(
    *,
    sent: int,
    total: int | None,
    metrics: Mapping[str, float],
    events_per_s: float,
    latest: Sequence[Mapping[str, Any]],
    riskiest: Sequence[Mapping[str, Any]],
) -> RenderableType:
    """Draw the state of the demo.

    Parameters
    ----------
    sent, total
        Messages sent so far, and in all when that is known.
    metrics
        The worker's metrics.
    events_per_s
        Current rate of processed events.
    latest, riskiest
        Trip scores to show.
    """
    taken_in = metrics.get("records_total", 0.0)
    numbers = Table.grid(expand=True)
    for _ in range(8):
        numbers.add_column(justify="center")
    numbers.add_row(
        _number("events", f"{metrics.get('events_total', 0):,.0f}"),
        _number("events/s", f"{events_per_s:,.0f}"),
        _number("waiting", f"{max(0.0, sent - taken_in):,.0f}"),
        _number("late", f"{metrics.get('late_events_total', 0):,.0f}"),
        _number("merged", f"{metrics.get('duplicate_events_total', 0):,.0f}"),
        _number("rejected", f"{metrics.get('rejects_total', 0):,.0f}"),
        _number("scores", f"{metrics.get('scores_total', 0):,.0f}"),
        _number("alerts", f"{metrics.get('alerts_total', 0):,.0f}"),
    )
    return Group(
        Panel(Group(numbers, ProgressBar(total=total or max(sent, 1), completed=taken_in)), title="Driver Score, live"),
        _trips("Latest trip scores", latest),
        _trips("Riskiest trips", riskiest),
    )


def _number(name: str, figure: str) -> Text:
    return Text.assemble((figure, "bold"), "\n", (name, "dim"), justify="center")


def _trips(title: str, scores: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=title, expand=True, title_justify="left")
    for name in ("trip", "driver", "client", "km", "score", "why"):
        table.add_column(name, justify="right" if name in {"km", "score"} else "left", no_wrap=True)
    for score in scores:
        table.add_row(
            score["trip_id"],
            score["driver_id"],
            score["client_id"],
            f"{score['distance_km']:.1f}",
            Text(f"{score['score']:.0f}", style=_BAND_STYLE[score["band"]]),
            _reasons(score),
        )
    return table


def _reasons(score: Mapping[str, Any]) -> str:
    reasons = [(score[f"reason_{rank}"], score[f"reason_{rank}_impact"]) for rank in (1, 2, 3)]
    return "  ".join(f"{code.replace('_', ' ').lower()} {impact:+.0f}" for code, impact in reasons if code is not None)
