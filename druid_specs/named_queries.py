"""The named queries: SQL files beside this module, with typed parameters such as ``:client``.

Each begins with one row per trip, written ``{{ finished_trips: score, band; filters: client }}``: the columns to take
of each trip, and the parameters that filter the trips. `trip_rows` makes the SQL of it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from druid_specs.errors import QueryOptionError, UnknownQueryError
from druid_specs.sql_connection import DruidConnection, QueryResult, SqlParameter, SqlType
from druid_specs.trip_rows import trip_rows

QUERIES_DIR: Final = Path(__file__).with_name("queries")

ParameterValue = str | int | float | datetime | None

_PLACEHOLDER: Final = re.compile(
    r"""
    ' (?:[^']|'')* '      # text
    | "[^"]*"             # quoted name
    | --[^\n]*            # comment
    | (?<!:):([a-z_]+)    # our placeholder
    """,
    re.VERBOSE,
)


_TRIP_ROWS: Final = re.compile(r"\{\{ (?P<kind>\w+): (?P<columns>[\w,\s]+);\s+filters: (?P<filters>[\w, ]+) \}\}")

_TRIP_KINDS: Final[Mapping[str, tuple[bool, Sequence[str]]]] = {
    "all_trips": (False, ()),
    "finished_trips": (True, ()),
    "finished_trips_by_model": (True, ("model_name", "model_version", "model_role")),
}
"""Whether only trips that have ended count, and what a trip has several rows for."""


@dataclass(frozen=True)
class Parameter:
    """A parameter that named queries may use.

    Parameters
    ----------
    type
        Its type in SQL.
    default
        Taken when it is not given; ``None`` leaves its filter out.
    """

    type: SqlType
    default: ParameterValue = None


PARAMETERS: Final[Mapping[str, Parameter]] = {
    "client": Parameter("VARCHAR"),
    "vehicle": Parameter("VARCHAR"),
    "driver": Parameter("VARCHAR"),
    "vehicle_class": Parameter("VARCHAR"),
    # Open ends that Druid can still prune segments by.
    "since": Parameter("TIMESTAMP", datetime(2000, 1, 1, tzinfo=UTC)),
    "until": Parameter("TIMESTAMP", datetime(2100, 1, 1, tzinfo=UTC)),
    "min_km": Parameter("DOUBLE", 10.0),
    "limit": Parameter("BIGINT", 100),
}
"""All parameters, by the name that SQL files use."""

_DATA_SOURCE: Final = re.compile(r'(\bFROM\s+)"([^"]+)"')

_REQUIRED_BY: Final[Mapping[str, frozenset[str]]] = {"driver-trend": frozenset({"driver"})}


@dataclass(frozen=True)
class NamedQuery:
    """A query of the folder ``queries``.

    Attributes
    ----------
    name
        Of its file, without the suffix.
    description
        The comment lines that the file begins with.
    statement
        SQL with a ``?`` for each place of ``parameters``.
    parameters
        Name of the parameter at each ``?``, in order; a name may come several times.
    """

    name: str
    description: str
    statement: str
    parameters: tuple[str, ...]

    def bind(self, given: Mapping[str, ParameterValue]) -> tuple[SqlParameter, ...]:
        """Return a typed parameter for each ``?``.

        Parameters
        ----------
        given
            Values by name; ``None`` and missing names take the default.

        Raises
        ------
        QueryOptionError
            If a value was given that the query does not use, or one is missing that it needs.
        """
        options = ", ".join(f"--{option_name(name)}" for name in dict.fromkeys(self.parameters))
        values = {name: value for name, value in given.items() if value is not None}
        for name in sorted(values.keys() - set(self.parameters)):
            raise QueryOptionError(option_name(name), f"has no effect in {self.name}, which takes {options}")
        for name in sorted(_REQUIRED_BY.get(self.name, frozenset()) - values.keys()):
            raise QueryOptionError(option_name(name), f"is needed by {self.name}")
        full = {name: values.get(name, PARAMETERS[name].default) for name in self.parameters}
        since, until = full.get("since"), full.get("until")
        if isinstance(since, datetime) and isinstance(until, datetime) and since >= until:
            raise QueryOptionError("since", f"({since.isoformat()}) is not before --until ({until.isoformat()})")
        return tuple(SqlParameter(PARAMETERS[name].type, _as_sql(full[name])) for name in self.parameters)

    def run(
        self, connection: DruidConnection, given: Mapping[str, ParameterValue], *, data_source_prefix: str = ""
    ) -> QueryResult:
        """Run the query; see `bind` and `DruidConnection.query` for what is raised.

        Parameters
        ----------
        connection
            To Druid.
        given
            Values of parameters by name.
        data_source_prefix
            Before each data source's name, as in the settings.
        """
        statement = _DATA_SOURCE.sub(rf'\1"{data_source_prefix}\2"', self.statement)
        return connection.query(statement, self.bind(given))


def option_name(parameter: str) -> str:
    """Return the command line's name of a parameter."""
    return "class" if parameter == "vehicle_class" else parameter.replace("_", "-")


def query_names() -> list[str]:
    """Return the names of all queries, sorted."""
    return sorted(path.stem for path in QUERIES_DIR.glob("*.sql"))


def named_query(name: str) -> NamedQuery:
    """Read a query.

    Raises
    ------
    UnknownQueryError
        If there is none of that name.
    """
    names = query_names()
    if name not in names:
        raise UnknownQueryError(name, names)
    text = (QUERIES_DIR / f"{name}.sql").read_text(encoding="utf-8")
    lines = text.splitlines()
    code_at = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    description = " ".join(line.removeprefix("--").strip() for line in lines[:code_at])
    parameters: list[str] = []

    def place(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        parameters.append(match[1])
        return "?"

    statement = _PLACEHOLDER.sub(place, _TRIP_ROWS.sub(_written_out, "\n".join(lines[code_at:])))
    return NamedQuery(name, description, statement, tuple(parameters))


def _written_out(match: re.Match[str]) -> str:
    columns, filters = (re.split(r",\s*", match[part]) for part in ("columns", "filters"))
    where = ["__time >= :since", "__time < :until", *map(_matches, filters)]
    final, by = _TRIP_KINDS[match["kind"]]
    return trip_rows(columns, where, final=final, by=by).rstrip()


def _matches(parameter: str) -> str:
    column = parameter if parameter == "vehicle_class" else f"{parameter}_id"
    return f"(:{parameter} IS NULL OR {column} = :{parameter})"


def _as_sql(value: ParameterValue) -> str | int | float | None:
    """Write a value as Druid's JSON takes it: times are epoch milliseconds."""
    return round(value.timestamp() * 1000) if isinstance(value, datetime) else value
