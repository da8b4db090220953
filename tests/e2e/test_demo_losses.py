"""The demo on a file with faults: what did not count is said in the end lines, in JSON and in the report."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers.brokers import PATIENCE_S

pytestmark = pytest.mark.e2e

ROUNDS_S = 630
IDS = ("vehicle_id==veh_1", "trip_id==trip_1", "client_id==client_1")


def speed_kmh(second: int) -> float:
    """Return the speed of a round of 90 s: from 0 to 54 km/h at 1 m/s², and back to 0."""
    at = second % 90
    return 3.6 * min(at, 15, max(0, 75 - at))


def demo(data: Path, *maps: str) -> tuple[dict[str, Any], str, str]:
    """Run the demo on a file; give its JSON, its end lines and its report."""
    report = data.with_name("report.html")
    options = [word for each in maps for word in ("--map", each)]
    done = subprocess.run(
        [sys.executable, "-m", "driver_score", "demo", "--data", data, "--report", report, "--json", *options],
        env={name: given for name, given in os.environ.items() if not name.startswith("DRIVER_SCORE_")},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), " ".join(done.stderr.split()), report.read_text()


def test_a_message_file_with_faults_counts_and_says_what_is_unknown(tmp_path: Path) -> None:
    data = tmp_path / "events.jsonl"
    ids = {"trip_id": "trip_1", "vehicle_id": "veh_1", "driver_id": "drv_1", "client_id": "client_1"}
    start_ms = 1_772_435_700_000
    events: list[dict[str, object]] = [
        {
            **ids,
            "timestamp": start_ms + 1000 * second,
            "speed_kmh": speed_kmh(second),
            "speed_limit_kmh": 0 if second % 3 else 50,
            "heading_deg": "north" if second % 2 else 90,
        }
        for second in range(ROUNDS_S)
    ]
    events.append({**ids, "timestamp": start_ms + 1000 * ROUNDS_S, "event_type": "trip_end"})
    data.write_text("".join(json.dumps(event) + "\n" for event in [*events, events[6]]))
    outcome, lines, report = demo(data)
    assert outcome["events"] == ROUNDS_S + 2
    assert outcome["late"] + outcome["duplicates"] == 1
    assert outcome["field_faults"] == {"speed_limit_kmh": {"placeholder": 420}, "heading_deg": {"wrong_type": 315}}
    assert outcome["unscored"] == {}
    assert "WARNING: 315 of 632 events count without heading_deg (49.8%): its value is of another type" in lines
    assert "420 of 632 events count without speed_limit_kmh (66.5%): its value is one that stands for unknown" in lines
    assert "WARNING: 420" not in lines
    assert "315 of 632 events count without heading_deg" in report


def test_a_file_of_far_samples_says_why_there_is_no_score_and_which_setting_counts_them(tmp_path: Path) -> None:
    data = tmp_path / "trips.csv"
    lines = ["ts,spd"] + [f"{1_772_435_700 + 120 * number},{60 if number else 9999}" for number in range(60)]
    data.write_text("\n".join(lines) + "\n")
    outcome, said, report = demo(data, *IDS, "timestamp=ts:s", "speed_kmh=spd")
    assert outcome["unscored"] == {"insufficient_exposure": 1}
    assert outcome["rows_dropped"] == {"nothing measured: speed_kmh can't be used": 1}
    assert "WARNING: 1 of 60 rows of the file were dropped (1.7%): 1 nothing measured: speed_kmh can't be used" in said
    assert "1 of 1 trips have no score: not enough driving that counts" in said
    assert "DRIVER_SCORE_THRESHOLDS__MAX_SPARSE_GAP_S=240 counts them" in said
    assert "DRIVER_SCORE_THRESHOLDS__MAX_SPARSE_GAP_S=240 counts them" in report
