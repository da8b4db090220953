import json
from pathlib import Path
from typing import Any

import pytest

from driver_score.replay import line_messages

IDS = {"trip_id": "trip_1", "vehicle_id": "veh_1", "driver_id": "drv_1", "client_id": "client_1"}


def write(folder: Path, *lines: bytes | dict[str, Any]) -> Path:
    path = folder / "events.jsonl"
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
    return path


@pytest.mark.parametrize(
    ("line", "key", "events"),
    [
        (b'{"vehicle_id": "veh_1"}', b"veh_1", 1),
        (b'{"vehicle_id": 12}', b"12", 1),
        (b'{"vehicle_id": "veh_1", "samples": [{}, {}]}', b"veh_1", 2),
        (b'{"vehicle_id": null}', None, 1),
        (b'{"vehicle_id": "\\ud800"}', b"?", 1),
        (b"not json", None, 0),
        (b"\xff\xfe", None, 0),
        (b"[" * 100_000, None, 0),
        (b"[1]", None, 0),
    ],
    ids=lambda given: str(given)[:30],
)
def test_a_line_is_sent_as_it_is_with_the_key_it_names(
    tmp_path: Path, line: bytes, key: bytes | None, events: int
) -> None:
    (messages,) = line_messages(write(tmp_path, line))
    assert (messages.values, messages.keys, messages.events.tolist()) == ([line], [key], [events])


@pytest.mark.parametrize(
    ("timestamps", "due_ms"),
    [
        # A line without a time goes with the one before it.
        (["2026-03-02T08:15:00+01:00", None, "2026-03-02T07:15:02Z"], [0, 0, 2000]),
        ([1_772_435_700_000, "no time", 1_772_435_701_500], [0, 0, 1500]),
        # Out of order by less than 5 s: at once, and time goes on from the newest.
        ([10_000, 12_000, 11_000, 13_000], [0, 2000, 2000, 3000]),
        # The file's next trip, earlier on the calendar: follows at once.
        ([500_000, 501_000, 10_000, 11_000], [0, 1000, 1000, 2000]),
        # A wrong clock a day ahead holds up only itself; `Pace` shortens that.
        ([10_000, 86_410_000, 11_000, 12_000], [0, 86_400_000, 86_400_000, 86_401_000]),
    ],
)
def test_lines_are_sent_in_the_files_order_at_the_pace_of_their_times(
    tmp_path: Path, timestamps: list[object], due_ms: list[int]
) -> None:
    (messages,) = line_messages(write(tmp_path, *[{**IDS, "timestamp": timestamp} for timestamp in timestamps]))
    assert messages.send_ms.tolist() == due_ms


def test_an_envelope_is_sent_at_the_time_of_its_first_sample(tmp_path: Path) -> None:
    envelope = {**IDS, "samples": [{"timestamp": 3000}, {"timestamp": 9000}]}
    (messages,) = line_messages(write(tmp_path, {**IDS, "timestamp": 1000}, envelope))
    assert messages.send_ms.tolist() == [0, 2000]


def test_long_files_come_in_slices(tmp_path: Path) -> None:
    lines = [b'{"vehicle_id": "veh_1", "pad": "%s"}' % (b"x" * 1_000_000)] * 20
    assert [len(messages.values) for messages in line_messages(write(tmp_path, *lines))] == [8, 8, 4]
