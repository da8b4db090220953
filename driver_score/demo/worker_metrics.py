"""The metrics of a worker, read from ``/metrics``."""

import http.client
import urllib.request
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from driver_score.local_stack.server_process import LOOPBACK

_PREFIX: Final = "driver_score_worker_"
_ANSWER_TIMEOUT_S: Final = 10.0
_LABELS: Final = {
    "rejects_total": ("code",),
    "field_faults_total": ("field", "fault"),
    "device_faults_total": ("fault",),
    "late_trips_total": ("outcome",),
}
"""Metrics that are told by their labels too."""


def worker_metrics(port: int) -> dict[str, float] | None:
    """Read the metrics of a worker on loopback.

    Parameters
    ----------
    port
        Where the worker serves them.

    Returns
    -------
    The sum of each metric over its labels, by its name without the prefix of the worker; of rejected messages, faults
    of fields and devices, and late trips also those of each label, as ``rejects_total:<code>`` and
    ``field_faults_total:<field>:<fault>``; null when the worker does not answer.
    """
    try:
        address = f"http://{LOOPBACK}:{port}/metrics"
        with urllib.request.urlopen(address, timeout=_ANSWER_TIMEOUT_S) as answer:
            text = answer.read().decode()
    except (OSError, http.client.HTTPException):
        return None
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.name.removeprefix(_PREFIX)
            sums[name] = sums.get(name, 0.0) + sample.value
            if name in _LABELS:
                sums[":".join([name, *(sample.labels[label] for label in _LABELS[name])])] = sample.value
    return sums
