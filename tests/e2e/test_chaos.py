"""A short run of the chaos harness; ``make chaos`` is the long one."""

from pathlib import Path

import pytest

from tests.chaos.report import as_text
from tests.chaos.run import run_chaos

pytestmark = pytest.mark.e2e

KINDS = ["kill a worker", "pause a worker", "restart the broker", "swap the model"]


def test_no_score_is_lost_or_wrong_whatever_crashes(tmp_path: Path) -> None:
    run = run_chaos(tmp_path, seed=7, events=60_000, faults=len(KINDS), kinds=KINDS)
    assert [kind for _, kind, _ in run.faults] == KINDS
    assert run.verdict.passed, as_text(run)
