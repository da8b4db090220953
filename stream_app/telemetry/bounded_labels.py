"""Metric labels whose values come from outside, kept to a number that a metrics store can bear."""

from threading import Lock
from typing import Final

MAX_CLIENTS: Final = 200
"""Each client costs a worker some 20 series. Prometheus holds millions, but a worker answers each scrape in full."""

OTHER: Final = "other"


class BoundedLabels:
    """Gives the first values a label of their own, and all later ones a common label.

    Parameters
    ----------
    limit
        How many values get their own.

    Examples
    --------
    >>> labels = BoundedLabels(limit=2)
    >>> [labels.of(client) for client in ("a", "b", "c", "a")]
    ['a', 'b', 'other', 'a']
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[str] = set()
        self._lock = Lock()

    def of(self, value: str) -> str:
        """Return the label of a value."""
        if value in self._known:
            return value
        with self._lock:
            if len(self._known) < self._limit:
                self._known.add(value)
        return value if value in self._known else OTHER


CLIENTS: Final = BoundedLabels(MAX_CLIENTS)
"""Labels of clients, the same in all metrics of a process."""
