"""How charts look: colours that the colour-blind can tell apart, on light and on dark, and no chart furniture."""

from dataclasses import dataclass
from typing import Final

import plotly.graph_objects as go
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from scoring.model import BandLimits

BAND_COLOURS: Final = {"low": "#2f7fb8", "moderate": "#e0a10b", "high": "#cf4a0c"}
"""Blue, amber, vermilion (after Okabe and Ito): different in hue and in lightness."""

INK: Final = "#6f7c8a"
"""Grey that stands out from white and from black; the page's style sheet improves on it for either."""

ACCENT: Final = "#5a6bb5"
GRID: Final = "rgba(128,138,150,0.22)"
_TINT_OPACITY: Final = 0.10
_MAX_LABEL: Final = 26
"""Characters of an id that fit beside its numbers on a phone."""

_CONFIG: Final = {"displayModeBar": False, "responsive": True, "scrollZoom": False, "doubleClick": "reset"}
_TEMPLATE: Final = go.layout.Template(
    layout={
        "font": {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 13, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 44, "r": 14, "t": 26, "b": 42},
        "showlegend": False,
        "dragmode": False,
        "bargap": 0.12,
        "hoverlabel": {"bgcolor": "#1f2933", "bordercolor": "#1f2933", "font": {"color": "#ffffff", "size": 13}},
        "xaxis": {"gridcolor": GRID, "zeroline": False, "ticks": "", "fixedrange": True, "title": {"standoff": 8}},
        "yaxis": {"gridcolor": GRID, "zeroline": False, "ticks": "", "fixedrange": True, "title": {"standoff": 6}},
    }
)


@dataclass(frozen=True)
class Chart:
    """A chart in the page.

    Attributes
    ----------
    html
        The element and its script, without Plotly itself.
    alt
        What it shows, for those who can't see it.
    """

    html: Markup
    alt: str


def plotly_script() -> Markup:
    """Return Plotly's own script, to be put into the page once."""
    return Markup(get_plotlyjs())  # noqa: S704 - the package's own file


def chart(figure: go.Figure, name: str, *, height_px: int, alt: str) -> Chart:
    """Put a figure into an element called ``chart-<name>``, ``name`` being ours and not from outside."""
    figure.update_layout(template=_TEMPLATE, height=height_px)
    html = figure.to_html(full_html=False, include_plotlyjs=False, div_id=f"chart-{name}", config=_CONFIG)
    return Chart(Markup(html), alt)  # noqa: S704 - Plotly's JSON escapes <, > and /


def plot_text(text: str) -> str:
    """Make text from outside safe in a chart: Plotly reads labels as a kind of HTML."""
    return str(escape(text))


def short_label(text: str) -> str:
    """Shorten an id for a chart, escaped."""
    return plot_text(text if len(text) <= _MAX_LABEL else f"{text[: _MAX_LABEL - 1]}…")


def band_limits(limits: BandLimits) -> tuple[tuple[str, float, float], ...]:
    """Return each band's name, lowest and highest score."""
    return (
        ("high", 0.0, limits.moderate_from),
        ("moderate", limits.moderate_from, limits.low_from),
        ("low", limits.low_from, 100.0),
    )


def tint_bands(figure: go.Figure, limits: BandLimits, *, axis: str) -> None:
    """Shade the risk bands behind a chart whose ``axis`` (``x`` or ``y``) is the score, and name them."""
    other = "y" if axis == "x" else "x"
    for name, lowest, highest in band_limits(limits):
        figure.add_shape(
            type="rect",
            layer="below",
            line_width=0,
            fillcolor=BAND_COLOURS[name],
            opacity=_TINT_OPACITY,
            **{f"{axis}0": lowest, f"{axis}1": highest, f"{other}0": 0, f"{other}1": 1, f"{other}ref": "paper"},
        )
        place = (
            {"x": (lowest + highest) / 2, "y": 1, "yref": "paper", "yanchor": "bottom"}
            if axis == "x"
            else {"x": 1, "xref": "paper", "xanchor": "right", "y": highest, "yanchor": "top"}
        )
        figure.add_annotation(
            text=f"{name} risk", showarrow=False, font={"size": 11, "color": BAND_COLOURS[name]}, **place
        )
