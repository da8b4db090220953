"""What Grafana's Druid plugin makes of an answer, by the rules of its decoder (``pkg/druid.go``, 1.4 to 1.7).

It guesses the type of each column from at most five of its values.
"""

import re
from typing import Any

_GO_INTEGER = re.compile(r"[+-]?\d+")
_GO_BOOLEANS = {"1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def decoding_problems(columns: list[str], rows: list[list[Any]]) -> list[str]:
    """Return what would be shown wrong: NULL as zero, an id as a number, a number as a time, a time as now."""
    problems = []
    for place, name in enumerate(columns):
        values = [row[place] for row in rows]
        present = [value for value in values if value is not None]
        texts = [value for value in present if isinstance(value, str)]
        numbers = [value for value in present if isinstance(value, int | float)]
        if numbers and len(present) < len(values):
            problems.append(f"{name}: NULL would be drawn as zero")
        if numbers and texts:
            problems.append(f"{name}: texts and numbers")
        if numbers and "time_" in name.lower():
            problems.append(f"{name}: numbers would be read as times")
        if any(_GO_INTEGER.fullmatch(text) or text in _GO_BOOLEANS for text in texts):
            problems.append(f"{name}: a text would be read as a number or a yes or no")
        if name == "__time" and not all(_TIME.fullmatch(text) for text in texts):
            problems.append(f"{name}: a time would be read as now")
        if rows and not present:
            problems.append(f"{name}: nothing to tell its type by")
        if any(isinstance(value, float) and value != value for value in present):  # noqa: PLR0124 - not a number
            problems.append(f"{name}: not a number")
    return problems
