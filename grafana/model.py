"""Dashboards, rows and panels as values, and the JSON that Grafana makes of them.

The JSON is that of schema version 37, Grafana 9.3: newer Grafana migrates older versions when it loads them, while
9.3 takes a newer version as it is and misreads it. So whatever changed since is written in its old form.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

SCHEMA_VERSION: Final = 37
GRID_COLUMNS: Final = 24
"""Width of Grafana's grid."""

Json = dict[str, Any]


class Target(Protocol):
    """A query of a panel."""

    @property
    def datasource(self) -> Json:
        """Type and uid of the data source."""

    def to_json(self, ref_id: str) -> Json:
        """Return Grafana's JSON."""


class Variable(Protocol):
    """What a reader chooses at the top of a dashboard."""

    @property
    def name(self) -> str:
        """Name that queries use."""

    def to_json(self) -> Json:
        """Return Grafana's JSON."""


@dataclass(frozen=True)
class Threshold:
    """A colour from a value on; ``None`` is the lowest of all."""

    value: float | None
    color: str


@dataclass(frozen=True)
class Column:
    """How a field is shown: a column of a table, or a series.

    Attributes
    ----------
    name
        Of the field, as the query calls it.
    title
        Shown in its place.
    unit, decimals, thresholds, width_px
        Of this field alone.
    link
        Title and address behind each value.
    texts
        Text to show for a value.
    """

    name: str
    title: str
    unit: str | None = None
    decimals: int | None = None
    thresholds: tuple[Threshold, ...] = ()
    width_px: int | None = None
    link: tuple[str, str] | None = None
    texts: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> Json:
        """Return Grafana's override of the field."""
        properties: list[Json] = [{"id": "displayName", "value": self.title}]
        if self.unit is not None:
            properties.append({"id": "unit", "value": self.unit})
        if self.decimals is not None:
            properties.append({"id": "decimals", "value": self.decimals})
        if self.thresholds:
            properties.append({"id": "thresholds", "value": _thresholds(self.thresholds)})
            properties.append({"id": "color", "value": {"mode": "thresholds"}})
            properties.append({"id": "custom.displayMode", "value": "color-text"})
        if self.width_px is not None:
            properties.append({"id": "custom.width", "value": self.width_px})
        if self.link is not None:
            title, url = self.link
            properties.append({"id": "links", "value": [{"title": title, "url": url, "targetBlank": False}]})
        if self.texts:
            options = {
                value: {"text": text, "index": number} for number, (value, text) in enumerate(self.texts.items())
            }
            properties.append({"id": "mappings", "value": [{"type": "value", "options": options}]})
        return {"matcher": {"id": "byName", "options": self.name}, "properties": properties}


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes
    ----------
    kind
        Grafana's type of panel.
    title, description
        What it shows, and what to make of it.
    targets
        Its queries.
    unit
        Grafana's unit of its values.
    no_data
        Said when a query gives no rows.
    width, height
        In grid columns (of 24) and rows.
    transformations
        Of the rows, before they are drawn.
    """

    kind: str
    title: str
    description: str
    targets: tuple[Target, ...]
    unit: str
    no_data: str
    width: int = 12
    height: int = 8
    decimals: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    thresholds: tuple[Threshold, ...] = (Threshold(None, "blue"),)
    color_mode: str = "palette-classic"
    columns: tuple[Column, ...] = ()
    transformations: tuple[Json, ...] = ()
    custom: Json = field(default_factory=dict)
    options: Json = field(default_factory=dict)

    def to_json(self, panel_id: int, x: int, y: int) -> Json:
        """Return Grafana's JSON of the panel at a place of the grid."""
        defaults: Json = {
            "unit": self.unit,
            "noValue": self.no_data,
            "color": {"mode": self.color_mode},
            "thresholds": _thresholds(self.thresholds),
            "mappings": [],
            "custom": self.custom,
        }
        for name, value in (("decimals", self.decimals), ("min", self.minimum), ("max", self.maximum)):
            if value is not None:
                defaults[name] = value
        return {
            "id": panel_id,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "datasource": self.targets[0].datasource,
            "targets": [target.to_json(chr(ord("A") + place)) for place, target in enumerate(self.targets)],
            "fieldConfig": {"defaults": defaults, "overrides": [column.to_json() for column in self.columns]},
            "options": self.options,
            "transformations": list(self.transformations),
        }


@dataclass(frozen=True)
class Row:
    """Panels under one heading, laid out from left to right."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    """One dashboard.

    Attributes
    ----------
    uid
        Fixed: links and bookmarks hold it.
    period
        Shown at first, back from now: ``7d``.
    refresh
        How often an open dashboard asks again: ``1m``.
    links
        Title and address of other dashboards.
    """

    uid: str
    title: str
    description: str
    tags: tuple[str, ...]
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()
    period: str = "7d"
    refresh: str = "1m"
    links: tuple[tuple[str, str], ...] = ()

    def panels(self) -> Iterator[Panel]:
        """Yield the panels of all rows."""
        for row in self.rows:
            yield from row.panels

    def to_json(self) -> Json:
        """Return Grafana's JSON."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": list(self.tags),
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "timezone": "",
            "time": {"from": f"now-{self.period}", "to": "now"},
            "timepicker": {},
            "refresh": self.refresh,
            "fiscalYearStartMonth": 0,
            "weekStart": "",
            "annotations": {"list": []},
            "templating": {"list": [variable.to_json() for variable in self.variables]},
            "links": [_dashboard_link(title, url) for title, url in self.links],
            "panels": _layout(self.rows),
        }


def _layout(rows: Sequence[Row]) -> list[Json]:
    """Place panels from left to right, in a new line where the width is used up."""
    placed: list[Json] = []
    y = 0
    for row in rows:
        placed.append(_heading(row.title, len(placed) + 1, y))
        x, y, line_height = 0, y + 1, 0
        for panel in row.panels:
            if x + panel.width > GRID_COLUMNS:
                x, y, line_height = 0, y + line_height, 0
            placed.append(panel.to_json(len(placed) + 1, x, y))
            x, line_height = x + panel.width, max(line_height, panel.height)
        y += line_height
    return placed


def _heading(title: str, panel_id: int, y: int) -> Json:
    return {
        "id": panel_id,
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": {"x": 0, "y": y, "w": GRID_COLUMNS, "h": 1},
        "panels": [],
    }


def _thresholds(steps: Sequence[Threshold]) -> Json:
    return {"mode": "absolute", "steps": [{"value": step.value, "color": step.color} for step in steps]}


def _dashboard_link(title: str, url: str) -> Json:
    return {
        "title": title,
        "type": "link",
        "url": url,
        "icon": "dashboard",
        "tooltip": "",
        "tags": [],
        "asDropdown": False,
        "targetBlank": False,
        "includeVars": False,
        "keepTime": True,
    }
