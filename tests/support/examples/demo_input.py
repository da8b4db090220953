"""What ``driver-score demo`` would send of a file: its command, without a broker and a worker."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from driver_score.cli.main import app
from driver_score.demo import DemoOutcome, Progress
from driver_score.replay import MessageSlice

NOTHING_SCORED = DemoOutcome(
    events=0,
    rejected=0,
    trips=0,
    scores=0,
    alerts=0,
    late=0,
    duplicates=0,
    rejects_by_code={},
    field_faults={},
    rows_dropped={},
    device_faults={},
    late_trips={},
    unscored={},
    losses=[],
    large_losses=[],
    notes=[],
    events_per_s=0.0,
    report="",
)


@dataclass(frozen=True)
class DemoInput:
    """What the demo read of a file: the event frame, the messages that it would send, and the lines that it said."""

    events: pl.DataFrame
    messages: Iterable[MessageSlice]
    lines: list[str]

    @property
    def said(self) -> str:
        """All that it said, on one line."""
        return " ".join(" ".join(self.lines).split())


def demo_input(
    path: Path, content: str | bytes, arguments: Sequence[str], outcome: DemoOutcome = NOTHING_SCORED
) -> DemoInput:
    """Write a file, have the demo's command read it, and report an outcome.

    Raises
    ------
    DriverScoreError
        If the command refuses the file.
    """
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    given: dict[str, Any] = {}

    def take(
        messages: Iterable[MessageSlice], events: pl.DataFrame, show: Callable[[Progress], None], **_: object
    ) -> DemoOutcome:
        given.update(messages=messages, events=events)
        show(Progress("writing the report", 0, {}, 0.0, [], []))
        return outcome

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("driver_score.demo.run_demo", take)
        ran = CliRunner().invoke(app, ["demo", "--data", str(path), "--json", *arguments])
    if ran.exception is not None:
        raise ran.exception
    return DemoInput(given["events"], given["messages"], ran.stderr.splitlines())
