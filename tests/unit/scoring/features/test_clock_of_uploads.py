"""The clock of a partition is right whatever the intervals at which its vehicles upload.

An hour of driving in one trip each; some vehicles vanish without the end of their trip. A trip closes after 300 s of
silence.
"""

import numpy as np
import pytest

from tests.reference.streaming import Partition
from tests.support.examples.uploads import Uploads, uploads

HOUR_S = 3600
IDLE_GAP_S = 300
MARGIN_S = 60
"""How much later than the idle gap and the longest interval a trip may be closed."""

MIXED = (1, 10, 30, 60, 180)


def closed_trips(partition: Partition, arriving: Uploads, *, frame_s: int = 10) -> dict[int, list[int]]:
    """Send an hour, in frames as they arrive; give for each vehicle the seconds at which its trip was closed."""
    closed: dict[int, list[int]] = {}
    for begin in range(0, HOUR_S, frame_s):
        frame = arriving.between(begin, begin + frame_s)
        for row in partition.send(frame) if len(frame) else []:
            if row.final and row.kind == "trip":
                closed.setdefault(int(row.trip.removeprefix("trip_")), []).append(begin + frame_s)
    return closed


def clock_s(partition: Partition) -> float:
    return float(partition.states.arrays.partition["clock_ms"][0]) / 1000


@pytest.mark.parametrize("delay_s", [0, 60])
@pytest.mark.parametrize("every_s", [(1,), (10,), (30,), (60,), (180,), MIXED, (1, 180)], ids=str)
@pytest.mark.parametrize("vehicles", [1, 3, 10, 250])
def test_trips_that_drive_stay_open_and_those_that_vanish_are_closed(
    vehicles: int, every_s: tuple[int, ...], delay_s: int
) -> None:
    partition = Partition(idle_gap_s=IDLE_GAP_S)
    intervals_s = [float(every_s[vehicle % len(every_s)]) for vehicle in range(vehicles)]
    vanishing = max(vehicles // 20, 1) if vehicles > 1 else 0
    arriving = uploads(intervals_s, seconds=HOUR_S, vanishing=vanishing, delay_s=delay_s)
    closed = closed_trips(partition, arriving)
    longest_s = 1.1 * max(every_s) + delay_s

    assert closed.keys() == set(np.flatnonzero(np.isfinite(arriving.vanishes)).tolist())
    for vehicle, [second] in closed.items():
        assert IDLE_GAP_S <= second - arriving.vanishes[vehicle] <= IDLE_GAP_S + longest_s + MARGIN_S
    assert 0.9 * HOUR_S <= clock_s(partition) <= 1.01 * HOUR_S


@pytest.mark.parametrize("vehicles", [1, 3, 10, 250])
def test_trips_that_upload_just_more_often_than_the_idle_gap_stay_open(vehicles: int) -> None:
    partition = Partition(idle_gap_s=IDLE_GAP_S)
    arriving = uploads([270.0 if vehicle % 2 == 0 else 1.0 for vehicle in range(vehicles)], seconds=HOUR_S)
    assert closed_trips(partition, arriving) == {}
    assert 0.9 * HOUR_S <= clock_s(partition) <= 1.01 * HOUR_S


@pytest.mark.parametrize("every_s", [10, 30, 60, 180])
@pytest.mark.parametrize("vehicles", [2, 10, 250])
def test_uploads_of_a_replay_one_vehicle_after_the_other_close_no_trip(vehicles: int, every_s: int) -> None:
    #   trip_0  0 … 29                    30 … 59
    #   trip_1          0 … 29                      30 … 59
    #   trip_2                  0 … 29
    arriving = uploads([1.0] * vehicles, seconds=HOUR_S // 2)
    order = np.lexsort((arriving.second, arriving.vehicle, arriving.second // every_s))
    replayed = Uploads(arriving.vehicle[order], arriving.second[order], np.arange(float(len(order))), arriving.vanishes)
    partition = Partition(idle_gap_s=IDLE_GAP_S)
    frame = replayed.between(0, len(order))
    assert not any(
        row.final for begin in range(0, len(order), 5000) for row in partition.send(frame[begin : begin + 5000])
    )
    assert 0.9 * HOUR_S / 2 <= clock_s(partition) <= 1.01 * HOUR_S / 2


def test_the_first_trips_after_a_night_set_the_clock_again() -> None:
    partition = Partition(idle_gap_s=IDLE_GAP_S)
    evening = uploads([60.0] * 20, seconds=HOUR_S)
    closed_trips(partition, evening)
    night_s = clock_s(partition)
    morning = uploads([180.0] * 50, seconds=HOUR_S, seed=2)
    names, later = morning.vehicle + 100, morning.second + 12 * HOUR_S
    closed = closed_trips(partition, Uploads(names, later, morning.arrives, morning.vanishes))
    assert closed.keys() == set(range(20)), "those of the evening, and none of the morning"
    assert 0.9 * HOUR_S <= clock_s(partition) - night_s <= 1.2 * HOUR_S
