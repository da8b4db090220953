"""The demo on a file with faults: what did not count is said in the end lines, in JSON and in the report."""

import json
import random
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import pytest

from tests.support.servers.demo_run import run_demo

pytestmark = pytest.mark.e2e

ROUNDS_S = 630
START_MS = 1_772_435_700_000
WEEK_MS = 7 * 86_400_000
MAPS = [
    word
    for each in ("vehicle_id==veh_1", "trip_id==trip_1", "client_id==client_1", "timestamp=ts:s", "speed_kmh=spd")
    for word in ("--map", each)
]


def speed_kmh(second: int) -> float:
    """Return the speed of a round of 90 s: from 0 to 54 km/h at 1 m/s², and back to 0."""
    at = second % 90
    return 3.6 * min(at, 15, max(0, 75 - at))


def test_a_message_file_with_faults_counts_and_says_what_is_unknown(tmp_path: Path) -> None:
    data = tmp_path / "events.jsonl"
    ids = {"trip_id": "trip_1", "vehicle_id": "veh_1", "driver_id": "drv_1", "client_id": "client_1"}
    events: list[dict[str, object]] = [
        {
            **ids,
            "timestamp": START_MS + 1000 * second,
            "speed_kmh": speed_kmh(second),
            "speed_limit_kmh": 0 if second % 3 else 50,
            "heading_deg": "north" if second % 2 else 90,
        }
        for second in range(ROUNDS_S)
    ]
    events.append({**ids, "timestamp": START_MS + 1000 * ROUNDS_S, "event_type": "trip_end"})
    data.write_text("".join(json.dumps(event) + "\n" for event in [*events[:7], *events[6:]]))
    outcome, lines, report = run_demo(data)
    assert outcome["events"] == ROUNDS_S + 2
    assert (outcome["late"], outcome["duplicates"]) == (0, 1)
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
    outcome, said, report = run_demo(data, *MAPS)
    assert outcome["unscored"] == {"insufficient_exposure": 1}
    assert outcome["rows_dropped"] == {"nothing measured: speed_kmh can't be used": 1}
    assert "WARNING: 1 of 60 rows of the file were dropped (1.7%): 1 nothing measured: speed_kmh can't be used" in said
    assert "1 of 1 trips have no score: less than 1 km or 120 s of driving that counts" in said
    assert "DRIVER_SCORE_THRESHOLDS__MAX_SPARSE_GAP_S=240 counts them" in said
    assert "DRIVER_SCORE_THRESHOLDS__MAX_SPARSE_GAP_S=240 counts them" in report


def test_faults_of_devices_in_messages_are_said_by_event_and_by_trip(tmp_path: Path) -> None:
    noise = random.Random(1)

    def acceleration_mps2(second: int) -> float:
        return (speed_kmh(second + 1) - speed_kmh(second)) / 3.6 + noise.gauss(0, 0.1)

    driven_km = [0.0, *accumulate((speed_kmh(at) + speed_kmh(at + 1)) / 7200 for at in range(ROUNDS_S))]

    def position(at: int, away_km: float = 0.0) -> dict[str, object]:
        return {"latitude": 52.0 + (driven_km[at] + away_km) / 111.2, "longitude": 13.4}

    devices: dict[str, Callable[[int], dict[str, object]]] = {
        "jump": lambda at: position(at, 10.0 * (at == 300)),
        "mph": lambda at: position(at) | {"speed_kmh": speed_kmh(at) / 1.609},
        "clock": lambda at: {"timestamp": START_MS + 1000 * at + 7_200_000 * (at == 200)},
        "weeks": lambda at: {"timestamp": START_MS + 1000 * at - 1024 * WEEK_MS * (at < 60)},
        "spike": lambda at: {"speed_kmh": speed_kmh(at) + 45 * (at % 90 == 30)},
        "held": lambda at: {"speed_kmh": speed_kmh(at // 5 * 5)},
        "gravity": lambda at: {"acceleration_mps2": acceleration_mps2(at) - 9.81},
        "tilted": lambda at: {"acceleration_mps2": acceleration_mps2(at) - 1.0},
        "late": lambda _: {},
    }
    events: list[dict[str, object]] = []
    for name, fields in devices.items():
        ids = {"trip_id": "trip_1", "vehicle_id": name, "driver_id": f"drv_{name}", "client_id": "client_1"}
        sent = [
            {**ids, "timestamp": START_MS + 1000 * at, "speed_kmh": speed_kmh(at), **fields(at)}
            for at in range(ROUNDS_S)
        ]
        sent.append({**ids, "timestamp": START_MS + 1000 * ROUNDS_S, "event_type": "trip_end"})
        events += sent[:100] + sent[300:] + sent[100:300] if name == "late" else sent
    data, scores = tmp_path / "events.jsonl", tmp_path / "scores.jsonl"
    data.write_text("".join(json.dumps(event) + "\n" for event in events))
    outcome, said, report = run_demo(data, "--scores", str(scores))
    assert outcome["device_faults"] == {
        "clock_jump": 1,
        "rollover": 60,
        "spike": 7,
        "position_jump": 1,
        "held_speed": 1,
        "speed_contradicted": 1,
        "sensor_offset": 1,
        "sensor_contradicted": 1,
    }
    assert outcome["late"] == 200
    assert outcome["late_trips"] == {"corrected": 1}
    for sentence in (
        "WARNING: 60 of 5,679 events were 1,024 weeks behind (1.1%): their GPS week count began again",
        "WARNING: 1 of 9 trips have an acceleration sensor that contradicts the speed (11.1%): it was not used",
        "WARNING: 1 of 9 trips have an acceleration sensor that is off by a constant (11.1%): that was subtracted",
        "WARNING: 1 of 9 trips have a speed that stays the same for seconds before it changes (11.1%): hard braking",
        "WARNING: 1 of 9 trips have a speed that is not that of their positions (11.1%): nothing was rated from it",
        "1 of 9 trips have no score: the speed is unknown, and so is the distance",
        "1 of 5,679 events count without their position (less than 0.1%): no vehicle can have got there",
        "; 1 final score was made again with them. Alerts before that were without",
        "7 of 5,679 events count without their speed (0.1%): no vehicle changes its speed so much",
        "1 of 5,679 events were left out for their time (less than 0.1%): it is far from",
    ):
        assert sentence in said
    assert "an acceleration sensor that contradicts the speed" in report
    trips = {trip["vehicle_id"]: trip for trip in map(json.loads, scores.read_text().splitlines())}
    assert trips.pop("mph")["distance_km"] is None
    assert {name: trip["distance_km"] for name, trip in trips.items()} == pytest.approx(
        dict.fromkeys(trips, trips["weeks"]["distance_km"]), rel=0.01
    ), "late events count"
    assert {trip["hard_event_count"] for trip in trips.values()} == {0, None}
    assert outcome["alerts"] == 0
    assert outcome["unscored"] == {"speed_unknown": 1}
