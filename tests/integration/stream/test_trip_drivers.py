"""Who drives: a driver who logs in late, two drivers in one trip, and events of each that come late."""

import json
from typing import Any

import pytest

from scoring.features.batch import trip_features
from tests.reference.random_trips import Event, event, frame_of
from tests.support.checks.feature_equality import unequal_features
from tests.support.servers.brokers import wait_until
from tests.support.servers.commands import rescore, send_events
from tests.support.servers.running_worker import (
    Topics,
    last_finals,
    running_worker,
)

pytestmark = pytest.mark.integration

START_MS = 1_772_435_700_000
TRIP_S = 1200
CHANGE_S = 600
FIRST, SECOND = ("veh_shared", "shared"), ("veh_shared", "shared.2")


def driver_at(second: int) -> str | None:
    if second < 40:
        return "unknown"
    return "drv_7" if second < CHANGE_S else "drv_8"


def shared_trip() -> list[Event]:
    """Give a trip that drv_7 begins, before logging in, and drv_8 ends, who brakes hard each minute."""
    events = []
    for second in range(TRIP_S):
        speed_kmh = 50.0 + 0.3 * (second % 2)
        if second > CHANGE_S:
            speed_kmh = {30: 36.0, 31: 22.0, 32: 36.0}.get(second % 60, speed_kmh)
        events.append(event(START_MS + 1000 * second, "shared", speed_kmh=speed_kmh, driver_id=driver_at(second)))
    events[-1]["event_type"] = "trip_end"
    return events


def is_complete(final: dict[str, Any] | None) -> bool:
    return final is not None and (final["event_count"], final["late_event_count"]) == (TRIP_S // 2, 0)


def test_each_driver_is_rated_by_what_they_drove(topics: Topics) -> None:
    events = shared_trip()
    arrival = events[:200] + events[400:800] + events[1000:] + events[200:400] + events[800:1000]
    with running_worker(topics.bootstrap, topics.prefix, worker__silent_partition_s=5) as worker:
        send_events(topics, arrival)
        wait_until(lambda: worker.events_read() == TRIP_S, "all is read")
        scores = topics.wait_for(
            "driver-scores",
            lambda scores: all(is_complete(last_finals(scores).get(key)) for key in (FIRST, SECOND)),
        )
        profiles = topics.wait_for(
            "driver-profiles",
            lambda profiles: {"drv_7", "drv_8"} <= {profile["driver_id"] for profile in profiles},
        )
        worker.stop()
    finals = last_finals(scores)
    assert set(finals) == {FIRST, SECOND}
    assert [finals[key]["driver_id"] for key in (FIRST, SECOND)] == ["drv_7", "drv_8"]
    assert [finals[key]["hard_brake_count"] for key in (FIRST, SECOND)] == [0, 10]
    assert finals[FIRST]["score"] > finals[SECOND]["score"]
    parts = [
        [one | {"trip_id": trip_id, "driver_id": driver} for one in part]
        for (_, trip_id), driver, part in (
            (FIRST, "drv_7", events[:CHANGE_S]),
            (SECOND, "drv_8", events[CHANGE_S:]),
        )
    ]
    assert unequal_features(scores, trip_features(frame_of(parts[0] + parts[1]))) == []
    assert {profile["driver_id"] for profile in profiles} == {"drv_7", "drv_8"}

    done = rescore(topics, "--trip", "shared")
    assert done.returncode == 0, done.stderr
    rescored = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["trip_id"], one["driver_id"], one["score"]) for one in rescored] == [
        (key[1], finals[key]["driver_id"], finals[key]["score"]) for key in (FIRST, SECOND)
    ]
