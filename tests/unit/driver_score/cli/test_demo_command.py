"""What the demo says at its end, where its output is no terminal but a file or a pipe."""

from dataclasses import replace
from pathlib import Path

from tests.support.examples.demo_input import NOTHING_SCORED, demo_input
from tests.support.examples.trip_tables import IDS, TIME_AND_SPEED, csv_text, drive


def test_each_sentence_at_the_end_is_a_line_of_its_own(tmp_path: Path) -> None:
    outcome = replace(
        NOTHING_SCORED,
        events=180,
        large_losses=["90 of 180 events " + "are lost " * 20],
        losses=["1 of 180 events " + "is unknown " * 20],
        notes=["1 of 1 trips " + "has no score " * 20],
        report="report.html",
    )
    maps = [word for each in (*IDS, *TIME_AND_SPEED) for word in ("--map", each)]
    read = demo_input(tmp_path / "trips.csv", csv_text(drive()), maps, outcome)
    ending = [line.rstrip() for line in read.lines[-5:]]
    assert ending[0].startswith("180 events of 0 trips, 0 scores, ")
    assert ending[1] == f"WARNING: {outcome.large_losses[0]}".rstrip()
    assert ending[2:] == [outcome.losses[0].rstrip(), outcome.notes[0].rstrip(), "report: report.html"]
