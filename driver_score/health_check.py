"""Report to a container engine whether a health address is healthy: ``python -m driver_score.health_check URL``.

Only the standard library is imported: it runs every few seconds, and must not cost what a worker's start costs.
"""

import json
import sys
import urllib.error
import urllib.request
from typing import Final

_TIMEOUT_S: Final = 4.0


def problem(url: str) -> str | None:
    """Return the problem that a health address reports; null if it is healthy."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S):  # noqa: S310 - the operator's own address
            return None
    except urllib.error.HTTPError as refusal:
        with refusal:
            return f"{url} says {refusal.code}: {_reasons(refusal.read().decode(errors='replace'))}"
    except OSError as error:
        return f"{url} does not answer: {error}"


def _reasons(body: str) -> str:
    """Return code and message of each reason in the body of an answer; the body itself if it has none."""
    try:
        reasons = json.loads(body)["reasons"]
        return "; ".join(f"{reason['code']}: {reason['message']}" for reason in reasons)
    except (ValueError, KeyError, TypeError):
        return body


if __name__ == "__main__":
    sys.exit(problem(sys.argv[1]))
