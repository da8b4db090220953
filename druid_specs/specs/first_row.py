"""The first row of a data source, by which SQL comes to know its columns.

Druid has no empty tables: until the first message is in, a query of a dashboard is refused as one for an object
that does not exist. So a data source that nobody knows yet can be given one row with nothing in it, far before any
driving. Counts of rows leave it out; SQL without a time range sees it.
"""

import json
from typing import Any, Final

from druid_specs.specs.columns import TIME_COLUMN

FIRST_ROW_TIME: Final = "1900-01-01T00:00:00Z"
"""No device's clock is as wrong as this: one that lost its time says 1970 or 1980."""

FIRST_ROW_INTERVAL: Final = "1900-01-01T00:00:00.000Z/1900-02-01T00:00:00.000Z"
"""A month, as compaction makes segments of months."""

_FIRST_ROW: Final = {TIME_COLUMN: FIRST_ROW_TIME, "kind": "trip", "final": "true"}
"""Passes the filter of the roll-up; columns that a data source does not have are left out."""


def first_row_task(supervisor: dict[str, Any]) -> dict[str, Any]:
    """Make the batch task that writes the row of a supervisor's data source; run again, it replaces the row."""
    schema = supervisor["spec"]["dataSchema"]
    return {
        "type": "index_parallel",
        "spec": {
            "dataSchema": {
                **schema,
                "granularitySpec": {**schema["granularitySpec"], "intervals": [FIRST_ROW_INTERVAL]},
            },
            "ioConfig": {
                "type": "index_parallel",
                "inputSource": {"type": "inline", "data": json.dumps(_FIRST_ROW)},
                "inputFormat": {"type": "json"},
            },
            "tuningConfig": {"type": "index_parallel"},
        },
    }
