"""On the clock of a partition, all trips of a vehicle weigh as much as one vehicle, whatever its device sends."""

import pytest

from tests.reference.streaming import Partition
from tests.support.examples.faulty_devices import (
    FAULTY,
    Device,
    Sent,
    frame_of_sent,
    honest_fleet,
    trip_each_second,
    with_devices,
)

IDLE_GAP_S = 300
HOUR_S = 3600
FRAME_S = 5
SWEEP_S = 10
"""Silent trips are looked for this often."""

MARGIN_S = 2 * SWEEP_S + FRAME_S
"""Two runs look for silent trips at other seconds. One more vehicle that sends each second changes as much."""


def finals(sent: list[Sent], partition: Partition | None = None) -> dict[str, list[tuple[float, bytes]]]:
    """Send events in frames of some seconds; give when each trip was final, and its features."""
    partition = partition or Partition(idle_gap_s=IDLE_GAP_S)
    found: dict[str, list[tuple[float, bytes]]] = {}
    frame: list[Sent] = []
    end: float = FRAME_S
    for one in [*sent, Sent(sent[-1].arrives + FRAME_S, "", "", 0)]:
        if one.arrives >= end:
            for row in partition.send(frame_of_sent(frame)) if frame else []:
                if row.final and row.kind == "trip":
                    found.setdefault(row.trip, []).append((end, row.features.tobytes()))
            frame = []
            end = (one.arrives // FRAME_S + 1) * FRAME_S
        frame.append(one)
    return found


def of_honest(found: dict[str, list[tuple[float, bytes]]]) -> dict[str, list[tuple[float, bytes]]]:
    return {trip: rows for trip, rows in found.items() if not trip.startswith("odd_")}


def assert_same(found: dict[str, list[tuple[float, bytes]]], expected: dict[str, list[tuple[float, bytes]]]) -> None:
    assert found.keys() == expected.keys()
    for trip, rows in expected.items():
        assert [features for _, features in found[trip]] == [features for _, features in rows]
        for (at, _), (expected_at, _) in zip(found[trip], rows, strict=True):
            assert abs(at - expected_at) <= MARGIN_S, trip


def assert_closed_after_the_idle_gap(
    honest: list[Sent], found: dict[str, list[tuple[float, bytes]]], *, seconds: int
) -> None:
    """Check that trips that have ended are final once, and those that were silent for long enough, and no others."""
    last_event = {one.trip: one.arrives for one in honest}
    ended = {one.trip for one in honest if one.event_type == "trip_end"}
    latest_s = IDLE_GAP_S + 160
    silent = {trip for trip, at in last_event.items() if trip not in ended and at < seconds - latest_s}
    assert ended | silent <= found.keys()
    assert len(silent) >= 4
    for trip in found.keys() - ended:
        assert IDLE_GAP_S <= found[trip][0][0] - last_event[trip] <= latest_s, trip
    assert all(len(rows) == 1 for rows in found.values())


@pytest.fixture(scope="module")
def fleet() -> list[Sent]:
    return honest_fleet(25, seconds=HOUR_S)


@pytest.fixture(scope="module")
def without(fleet: list[Sent]) -> dict[str, list[tuple[float, bytes]]]:
    return finals(fleet)


def test_an_hour_without_faulty_devices_closes_the_trips_that_have_ended(
    without: dict[str, list[tuple[float, bytes]]],
) -> None:
    assert len(without) >= 76
    assert all(len(rows) == 1 for rows in without.values())


@pytest.mark.parametrize("device", FAULTY.values(), ids=FAULTY)
def test_a_faulty_device_changes_no_final_score_of_others_nor_when_it_comes(
    fleet: list[Sent], without: dict[str, list[tuple[float, bytes]]], device: Device
) -> None:
    assert_same(of_honest(finals(with_devices(fleet, device, seconds=HOUR_S))), without)


def test_a_device_with_nine_tenths_of_the_traffic_changes_no_final_score_of_others_nor_when_it_comes(
    fleet: list[Sent], without: dict[str, list[tuple[float, bytes]]]
) -> None:
    device = trip_each_second(lambda now: now, each=30)
    assert_same(of_honest(finals(with_devices(fleet, device, seconds=HOUR_S))), without)


@pytest.mark.parametrize("name", [name for name in FAULTY if "as fast" not in name])
def test_the_trips_of_few_vehicles_are_closed_beside_many_faulty_devices(name: str) -> None:
    honest = honest_fleet(8, seconds=1500)
    found = of_honest(finals(with_devices(honest, FAULTY[name], seconds=1500, count=30)))
    assert_closed_after_the_idle_gap(honest, found, seconds=1500)


@pytest.mark.parametrize("device", FAULTY.values(), ids=FAULTY)
def test_a_single_vehicle_is_closed_beside_one_faulty_device(device: Device) -> None:
    honest = [Sent(now + 0.3, "veh", "trip", now + 0.3) for now in range(200)]
    honest += [Sent(now + 0.3, "veh_2", "trip_2", now + 0.3) for now in range(1200)]
    found = of_honest(finals(with_devices(honest, device, seconds=1200)))
    assert found.keys() == {"trip"}
    assert 200 + IDLE_GAP_S <= found["trip"][0][0] <= 200 + 2 * IDLE_GAP_S


def test_trips_of_devices_that_share_an_id_are_closed_and_scored_apart() -> None:
    shared = honest_fleet(25, seconds=HOUR_S, shared_id="unknown")
    assert_closed_after_the_idle_gap(shared, finals(shared), seconds=HOUR_S)


def test_devices_that_share_an_id_weigh_as_one_vehicle_beside_others(
    fleet: list[Sent], without: dict[str, list[tuple[float, bytes]]]
) -> None:
    unknown = [Sent(now + 0.2, "unknown", f"odd_{number}", now) for now in range(0, HOUR_S, 5) for number in range(40)]
    assert_same(of_honest(finals(sorted([*fleet, *unknown]))), without)


def active_vehicles(partition: Partition) -> int:
    return int(partition.states.arrays.partition["active_trips"][0])


def test_a_vehicle_is_counted_once_however_many_trips_it_has_begun() -> None:
    partition = Partition(idle_gap_s=IDLE_GAP_S)
    for now in range(100):
        sent = [Sent(now, "steady", "steady", now), Sent(now, "odd", f"odd_{now}", now)]
        partition.send(frame_of_sent(sent))
        assert active_vehicles(partition) == 2
