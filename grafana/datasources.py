"""The data sources, their queries and variables, in the JSON of Grafana and of its Druid plugin."""

import json
from dataclasses import dataclass
from typing import Final

from grafana.model import Json

DRUID: Final[Json] = {"type": "grafadruid-druid-datasource", "uid": "driver-score-druid"}
PROMETHEUS: Final[Json] = {"type": "prometheus", "uid": "driver-score-prometheus"}

ALL: Final = "__all__"
"""What a variable holds when nothing is chosen: a list of every vehicle would be longer than a query may be."""

_ALL_VALUE: Final[Json] = {"allValue": f"'{ALL}'"}

MAX_ROWS: Final = 10_000
"""Of one answer; the plugin's own limit of 2,000 would cut long series off without a word."""


@dataclass(frozen=True)
class DruidSql:
    """A SQL query for the Druid plugin (1.4.1 and newer).

    Always in its ``long`` format: ``wide`` draws each missing pair of time and series as zero.
    """

    sql: str

    @property
    def datasource(self) -> Json:
        """Type and uid of the data source."""
        return DRUID

    def to_json(self, ref_id: str) -> Json:
        """Return Grafana's JSON."""
        return {"refId": ref_id, "datasource": DRUID, **_druid_query(self.sql)}


@dataclass(frozen=True)
class PromQl:
    """A query for Prometheus."""

    expression: str
    legend: str = "__auto"
    is_instant: bool = False

    @property
    def datasource(self) -> Json:
        """Type and uid of the data source."""
        return PROMETHEUS

    def to_json(self, ref_id: str) -> Json:
        """Return Grafana's JSON."""
        return {
            "refId": ref_id,
            "datasource": PROMETHEUS,
            "editorMode": "code",
            "expr": self.expression,
            "legendFormat": self.legend,
            "instant": self.is_instant,
            "range": not self.is_instant,
            "format": "table" if self.is_instant else "time_series",
        }


@dataclass(frozen=True)
class DruidVariable:
    """A choice among the values that a column has; ``sql`` returns that one column."""

    name: str
    label: str
    sql: str
    is_single: bool = False

    def to_json(self) -> Json:
        """Return Grafana's JSON."""
        query = _druid_query(self.sql)
        chosen: Json = {"selected": True, "text": ["All"], "value": ["$__all"]}
        if self.is_single:  # Grafana takes the first of the values
            chosen = {"selected": False, "text": "", "value": ""}
        return {
            "type": "query",
            "name": self.name,
            "label": self.label,
            "datasource": DRUID,
            "definition": query["expr"],
            "query": query,
            "refresh": 2,  # whenever the time range changes
            "sort": 1,
            "multi": not self.is_single,
            "includeAll": not self.is_single,
            **({} if self.is_single else _ALL_VALUE),
            "current": chosen,
            "options": [],
            "regex": "",
            "hide": 0,
            "skipUrlSync": False,
        }


@dataclass(frozen=True)
class PrometheusVariable:
    """A choice among the values of a label."""

    name: str
    label: str
    query: str

    def to_json(self) -> Json:
        """Return Grafana's JSON."""
        return {
            "type": "query",
            "name": self.name,
            "label": self.label,
            "datasource": PROMETHEUS,
            "definition": self.query,
            "query": {"query": self.query, "refId": "Variable"},
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
            "options": [],
            "regex": "",
            "hide": 0,
            "skipUrlSync": False,
        }


@dataclass(frozen=True)
class ChoiceVariable:
    """A choice among fixed values, the first of them at the start; `choices` are pairs of text and value."""

    name: str
    label: str
    choices: tuple[tuple[str, str], ...]
    has_all: bool = False

    def to_json(self) -> Json:
        """Return Grafana's JSON."""
        pairs = self.choices
        options = [
            {"selected": place == 0 and not self.has_all, "text": text, "value": value}
            for place, (text, value) in enumerate(pairs)
        ]
        current: Json = {"selected": True, "text": pairs[0][0], "value": pairs[0][1]}
        if self.has_all:
            options.insert(0, {"selected": True, "text": "All", "value": "$__all"})
            current = {"selected": True, "text": ["All"], "value": ["$__all"]}
        return {
            "type": "custom",
            "name": self.name,
            "label": self.label,
            "query": ", ".join(f"{text} : {value}" for text, value in pairs),
            "options": options,
            "current": current,
            "multi": self.has_all,
            "includeAll": self.has_all,
            **(_ALL_VALUE if self.has_all else {}),
            "hide": 0,
            "skipUrlSync": False,
        }


@dataclass(frozen=True)
class TextVariable:
    """A text that the reader types, or that a link brings."""

    name: str
    label: str

    def to_json(self) -> Json:
        """Return Grafana's JSON."""
        empty = {"selected": True, "text": "", "value": ""}
        return {
            "type": "textbox",
            "name": self.name,
            "label": self.label,
            "query": "",
            "current": empty,
            "options": [empty],
            "hide": 0,
            "skipUrlSync": False,
        }


def _druid_query(sql: str) -> Json:
    asked: Json = {
        "builder": {"queryType": "sql", "query": sql},
        "settings": {"format": "long", "contextParameters": [{"name": "sqlOuterLimit", "value": MAX_ROWS}]},
    }
    # Newer plugins send `expr` and nothing else; older ones read the two objects.
    return {**asked, "expr": json.dumps(asked)}
