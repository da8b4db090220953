"""Pieces of SQL that panels share.

The Druid plugin guesses the type of each column from a few of its values, and draws NULL as zero. So every query
here leaves out rows without the number that it is about, and gives no row where there is nothing to tell.
"""

from collections.abc import Sequence
from typing import Final

from grafana.datasources import ALL
from schemas.messages.driver_score import DriverScore

TIME: Final = "__time >= MILLIS_TO_TIMESTAMP(${__from}) AND __time < MILLIS_TO_TIMESTAMP(${__to})"
"""The time range of the dashboard."""

UNKNOWN: Final = -1
"""Stands for NULL in tables, and is shown as a dash."""

_TEXT_BYTES: Final = 64
"""No id, code or class is longer."""

_TEXTS: Final = frozenset(
    name
    for name, field in DriverScore.model_fields.items()
    if "str" in str(field.annotation) or "Literal" in str(field.annotation)
)


def chosen(column: str, variable: str | None = None) -> str:
    """Hold a column to what is chosen in a variable of several values."""
    name = variable or column.removesuffix("_id")
    return f"('{ALL}' IN (${{{name}:sqlstring}}) OR {column} IN (${{{name}:sqlstring}}))"


def latest(column: str) -> str:
    """Take a column from the row with the highest revision, under its own name."""
    size = f", {_TEXT_BYTES}" if column in _TEXTS else ""
    return f"LATEST_BY({column}, MILLIS_TO_TIMESTAMP(revision){size}) AS {column}"


def trips(*columns: str, where: Sequence[str] = (), final: bool = True, roles: str = "champion") -> str:
    """Give ``WITH trips AS (…)``: a row a trip, by its highest revision.

    Parameters
    ----------
    columns
        To take of each trip, beside its ids and ``last_event``.
    where
        Further conditions on its scores.
    final
        Whether only trips that have ended count.
    roles
        ``champion``, or ``any`` for a row a trip, model and role.
    """
    conditions = ["kind = 'trip'", *(["final = 1"] if final else []), TIME, *where]
    keys = ["vehicle_id", "trip_id"]
    if roles == "any":
        keys += ["model_version", "model_role"]
    else:
        conditions.insert(1, f"model_role = '{roles}'")
    selected = [*keys, "MAX(__time) AS last_event", *map(latest, columns)]
    numbers = ", ".join(str(place + 1) for place in range(len(keys)))
    return (
        f"WITH trips AS (\n  SELECT {', '.join(selected)}\n"
        f'  FROM "driver-scores"\n  WHERE {" AND ".join(conditions)}\n  GROUP BY {numbers}\n)\n'
    )


def bucket(column: str = "last_event") -> str:
    """Round a time down to the resolution that the reader chose."""
    return f"TIME_FLOOR({column}, ${{resolution:sqlstring}})"


def score_bucket(column: str = "score") -> str:
    """Name the tenth that a score falls into, so that text order is number order."""
    low = f"CAST(LEAST(FLOOR({column} / 10), 9) * 10 AS BIGINT)"
    return (
        f"CONCAT(LPAD(CAST({low} AS VARCHAR), 2, '0'), ' to ', CASE WHEN {low} = 90 THEN '100'"
        f" ELSE CAST({low} + 10 AS VARCHAR) END)"
    )


def distinct(column: str) -> str:
    """Count distinct values: exactly up to 16,384, above within one in a hundred.

    ``COUNT(DISTINCT …)`` is an estimate that is off by one at sixty, and exact only with a buffer for each level of
    the query, which a small Druid does not have.
    """
    return f"CAST(APPROX_COUNT_DISTINCT_DS_THETA({column}, 16384) AS BIGINT)"


def known(expression: str) -> str:
    """Put `UNKNOWN` in the place of NULL, which the plugin would show as zero."""
    return f"COALESCE({expression}, {UNKNOWN})"
