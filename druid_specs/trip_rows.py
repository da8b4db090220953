"""The common table expression ``trips``, which dashboards and named queries begin with."""

from collections.abc import Sequence
from typing import Final

from schemas.messages.driver_score import DriverScore

_TEXT_BYTES: Final = 64
"""No id, code or class is longer."""

_TEXTS: Final = frozenset(
    name
    for name, field in DriverScore.model_fields.items()
    if "str" in str(field.annotation) or "Literal" in str(field.annotation)
)


def latest(column: str) -> str:
    """Take a column from the row with the highest revision, under its own name."""
    size = f", {_TEXT_BYTES}" if column in _TEXTS else ""
    return f"LATEST_BY({column}, MILLIS_TO_TIMESTAMP(revision){size}) AS {column}"


def trip_rows(columns: Sequence[str], where: Sequence[str], *, final: bool = True, by: Sequence[str] = ()) -> str:
    """Return ``WITH trips AS (…)``: one row per trip, from the score with its highest revision.

    Parameters
    ----------
    columns
        To take of each trip, beside its ids and ``last_event``.
    where
        Conditions on its scores.
    final
        Whether only trips that have ended count.
    by
        Columns that a trip has one row for each value of. Only the champion's scores count unless ``model_role`` is
        among them.
    """
    keys = ["vehicle_id", "trip_id", *by]
    conditions = ["kind = 'trip'"]
    if "model_role" not in by:
        conditions.append("model_role = 'champion'")
    if final:
        conditions.append("final = 1")
    selected = [*keys, "MAX(__time) AS last_event", *map(latest, columns)]
    numbers = ", ".join(str(place + 1) for place in range(len(keys)))
    return (
        f"WITH trips AS (\n  SELECT {', '.join(selected)}\n"  # noqa: S608 - our own columns
        f'  FROM "driver-scores"\n  WHERE {" AND ".join([*conditions, *where])}\n  GROUP BY {numbers}\n)\n'
    )
