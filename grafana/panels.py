"""The kinds of panel that the dashboards are made of, each with what it must have."""

from typing import Any, Final

from grafana.model import Column, Json, Panel, Target, Threshold

NO_TRIPS: Final = "No trips in this period"

PERCENT: Final = "percentunit"
"""Of shares between 0 and 1."""
NUMBER: Final = "none"
KILOMETRES: Final = "lengthkm"
SPEED: Final = "velocitykmh"
SECONDS: Final = "s"
COUNT: Final = "short"
TIME: Final = "dateTimeAsIso"

SCORE_COLORS: Final = (Threshold(None, "text"), Threshold(0, "red"), Threshold(45, "orange"), Threshold(70, "green"))
"""The bands of the shipped model: high risk below 45, moderate below 70. Below 0 is no score."""

DASH: Final = {"-1": "-"}
"""What `grafana.sql.UNKNOWN` is shown as."""

BY_LABEL: Final[Json] = {"id": "prepareTimeSeries", "options": {"format": "many"}}
"""Makes a series of each text, without filling in what is not there."""


def stat(title: str, description: str, *targets: Target, unit: str = NUMBER, **rest: Any) -> Panel:
    """Make a panel with one number."""
    rest.setdefault("width", 4)
    rest.setdefault("height", 4)
    rest.setdefault("color_mode", "thresholds")
    rest.setdefault("no_data", NO_TRIPS)
    return Panel(
        "stat",
        title,
        description,
        targets,
        unit,
        options={
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "textMode": "value",
        },
        **rest,
    )


def lines(title: str, description: str, *targets: Target, unit: str, **rest: Any) -> Panel:
    """Make lines over time; gaps stay gaps."""
    return _time_series(title, description, targets, unit, {"drawStyle": "line", "fillOpacity": 0}, rest)


def bars(title: str, description: str, *targets: Target, unit: str, is_stacked: bool = True, **rest: Any) -> Panel:
    """Make bars over time, for counts."""
    stacking = {"mode": "normal" if is_stacked else "none", "group": "A"}
    custom = {"drawStyle": "bars", "fillOpacity": 70, "stacking": stacking}
    return _time_series(title, description, targets, unit, custom, {"minimum": 0, **rest})


def _time_series(
    title: str, description: str, targets: tuple[Target, ...], unit: str, custom: Json, rest: dict[str, Any]
) -> Panel:
    rest.setdefault("no_data", NO_TRIPS)
    return Panel(
        "timeseries",
        title,
        description,
        targets,
        unit,
        custom={
            "lineWidth": 2,
            "lineInterpolation": "linear",
            "pointSize": 5,
            "showPoints": "auto",
            "spanNulls": False,
            "axisPlacement": "auto",
            "axisLabel": "",
            "thresholdsStyle": {"mode": "off"},
            **custom,
        },
        options={
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        **rest,
    )


def table(title: str, description: str, *targets: Target, columns: tuple[Column, ...], **rest: Any) -> Panel:
    """Make a table; each column of the query has its `Column`."""
    rest.setdefault("no_data", NO_TRIPS)
    rest.setdefault("unit", NUMBER)
    rest.setdefault("width", 24)
    rest.setdefault("height", 10)
    return Panel(
        "table",
        title,
        description,
        targets,
        columns=columns,
        custom={"align": "auto", "displayMode": "auto", "filterable": True, "inspect": False},
        options={"showHeader": True, "footer": {"show": False, "reducer": ["sum"], "fields": ""}, "sortBy": []},
        **rest,
    )


def bar_chart(title: str, description: str, *targets: Target, unit: str, x: str, **rest: Any) -> Panel:
    """Make bars side by side, one for each text of the column `x`."""
    rest.setdefault("no_data", NO_TRIPS)
    rest.setdefault("minimum", 0)
    return Panel(
        "barchart",
        title,
        description,
        targets,
        unit,
        custom={"fillOpacity": 80, "lineWidth": 1, "axisPlacement": "auto", "axisLabel": "", "gradientMode": "none"},
        options={
            "xField": x,
            "orientation": "auto",
            "barWidth": 0.9,
            "groupWidth": 0.8,
            "showValue": "auto",
            "stacking": rest.pop("stacking", "none"),
            "xTickLabelRotation": 0,
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "single", "sort": "none"},
        },
        **rest,
    )


def ranked_bars(title: str, description: str, *targets: Target, unit: str, **rest: Any) -> Panel:
    """Make one horizontal bar a row of the answer."""
    rest.setdefault("no_data", NO_TRIPS)
    return Panel(
        "bargauge",
        title,
        description,
        targets,
        unit,
        options={
            "reduceOptions": {"calcs": [], "fields": "", "values": True, "limit": 25},
            "orientation": "horizontal",
            "displayMode": "basic",
            "showUnfilled": True,
            "minVizWidth": 0,
            "minVizHeight": 10,
        },
        **rest,
    )
