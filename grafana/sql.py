"""Pieces of SQL that panels share.

The Druid plugin guesses the type of each column from a few of its values, and draws NULL as zero. So every query
here leaves out rows without the number that it is about, and gives no row where there is nothing to tell.
"""

from collections.abc import Sequence
from typing import Final

from druid_specs import trip_rows
from grafana.datasources import ALL

TIME: Final = "__time >= MILLIS_TO_TIMESTAMP(${__from}) AND __time < MILLIS_TO_TIMESTAMP(${__to})"
"""The time range of the dashboard."""

UNKNOWN: Final = -1
"""Stands for NULL in tables, and is shown as a dash."""


def chosen(column: str, variable: str | None = None) -> str:
    """Hold a column to what is chosen in a variable of several values."""
    name = variable or column.removesuffix("_id")
    return f"('{ALL}' IN (${{{name}:sqlstring}}) OR {column} IN (${{{name}:sqlstring}}))"


def trips(*columns: str, where: Sequence[str] = (), final: bool = True, by_model: bool = False) -> str:
    """Return ``WITH trips AS (…)`` for the time range of the dashboard; see `trip_rows`.

    Parameters
    ----------
    columns
        To take of each trip, beside its ids and ``last_event``.
    where
        Further conditions on its scores.
    final
        Whether only trips that have ended count.
    by_model
        Whether a trip has one row for each model version and role that scored it, not just for the champion.
    """
    by = ("model_version", "model_role") if by_model else ()
    return trip_rows(columns, [TIME, *where], final=final, by=by)


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
