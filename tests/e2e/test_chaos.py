"""A short run of the chaos harness; ``make chaos`` is the long one."""

from pathlib import Path

import pytest

from tests.chaos.report import as_text
from tests.chaos.run import run_chaos

pytestmark = pytest.mark.e2e

KINDS = [
    "kill a worker",
    "reset offsets to the beginning",
    "pause a worker",
    "recreate the topic under workers",
    "restart a broker",
    "raise partitions under workers",
    "swap the model",
]

LOG_CHANGES = [kind for kind in KINDS if kind.endswith(("beginning", "under workers"))]
"""Workers stop with a line each time."""


def test_no_score_is_lost_or_wrong_whatever_crashes(tmp_path: Path) -> None:
    run = run_chaos(tmp_path, seed=7, events=60_000, faults=len(KINDS), kinds=KINDS)
    assert [kind for _, kind, _ in run.faults] == KINDS
    assert run.verdict.passed, as_text(run)
    assert len(run.expected_stops) == len(LOG_CHANGES), as_text(run)
