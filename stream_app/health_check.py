"""Tell a container engine whether a worker makes progress: ``python -m stream_app.health_check URL``.

Only the standard library is imported: it runs every few seconds, and must not cost what a worker's start costs.
"""

import sys
import urllib.request
from typing import Final

STALLED_METRIC: Final = "driver_score_worker_stalled_seconds"

MAX_STALLED_S: Final = 300.0
"""Kafka may be away for a minute before the worker stops by itself; after five, nothing will come of waiting."""

_TIMEOUT_S: Final = 4.0


def problem(metrics_url: str) -> str | None:
    """Return what is wrong with the process behind a metrics page; null when nothing is."""
    try:
        with urllib.request.urlopen(metrics_url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - the operator's own address
            lines = answer.read().decode().splitlines()
    except OSError as error:
        return f"{metrics_url} does not answer: {error}"
    stalled_s = [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(STALLED_METRIC)]
    longest_s = max(stalled_s, default=0.0)
    return f"a partition has stalled for {longest_s:.0f} s" if longest_s > MAX_STALLED_S else None


if __name__ == "__main__":
    sys.exit(problem(sys.argv[1]))
