"""Traffic of devices that number their trips wrongly or whose clocks are wrong, beside vehicles that do neither."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import polars as pl

from schemas.event_frame import EVENT_SCHEMA
from tests.reference.random_trips import NOON_MS
from tests.support.examples.timelines import YEAR_S


class Sent(NamedTuple):
    """An event: when it arrives, and of what it says it is; seconds from noon."""

    arrives: float
    vehicle: str
    trip: str
    second: float
    event_type: str = "sample"


Device = Callable[[int, str], list[Sent]]
"""What a device of some name sends in a second."""


def one_trip(second_of: Callable[[int], float]) -> Device:
    """Make a device that sends one trip, with its own idea of the time."""
    return lambda now, name: [Sent(now, name, f"{name}_0", second_of(now))]


def trip_each_second(second_of: Callable[[int], float], *, each: int = 1, ends: bool = False) -> Device:
    """Make a device that begins so many trips a second, and may end each with its one event."""
    kind = "trip_end" if ends else "sample"
    return lambda now, name: [
        Sent(now + part / each, name, f"{name}_{now}_{part}", second_of(now) + part / each, kind)
        for part in range(each)
    ]


FAULTY: dict[str, Device] = {
    "a trip each second": trip_each_second(lambda now: now),
    "a trip each second that ends": trip_each_second(lambda now: now, ends=True),
    "ten trips a second": trip_each_second(lambda now: now, each=10),
    "a trip each second, an hour behind": trip_each_second(lambda now: now - 3600),
    "a trip each second, in the next year": trip_each_second(lambda now: now + YEAR_S),
    "a trip each second, in one of two years": trip_each_second(lambda now: now + YEAR_S * (now % 2)),
    "a trip each second, of the same time": trip_each_second(lambda _: 0),
    "a trip each second, ten times as fast": trip_each_second(lambda now: 10 * now),
    "a trip each second, backwards": trip_each_second(lambda now: -now),
    "alternates between two trips": lambda now, name: [Sent(now, name, f"{name}_{now % 2}", now)],
    "alternates between two trips, each of the same time": lambda now, name: [
        Sent(now, name, f"{name}_{now % 2}", now % 2)
    ],
    "goes on in one trip, and begins another each second": lambda now, name: [
        Sent(now, name, f"{name}_main", now),
        Sent(now + 0.5, name, f"{name}_{now}", now),
    ],
    "one trip of the same time": one_trip(lambda _: 0),
    "one trip, ten times as fast": one_trip(lambda now: 10 * now),
    "one trip, backwards": one_trip(lambda now: -now),
}
"""Devices that may neither stop the clock of their partition nor drive it."""


def frame_of_sent(sent: Sequence[Sent]) -> pl.DataFrame:
    """Make the event frame of some events, in the order in which they are given."""
    made = pl.DataFrame(
        {
            "trip_id": [one.trip for one in sent],
            "vehicle_id": [one.vehicle for one in sent],
            "timestamp_ms": [NOON_MS + round(one.second * 1000) for one in sent],
            "event_type": [one.event_type for one in sent],
        }
    ).with_columns(
        driver_id=pl.lit("d"),
        client_id=pl.lit("c"),
        vehicle_class=pl.lit("car"),
        speed_kmh=pl.when(pl.col("event_type") == "sample").then(36.0),
    )
    missing = [pl.lit(None).alias(column) for column in EVENT_SCHEMA if column not in made.columns]
    return made.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in EVENT_SCHEMA.items())


def honest_fleet(vehicles: int, *, seconds: int, shared_id: str | None = None) -> list[Sent]:
    """Let vehicles drive for 500 s and park for 400 s, with an end of every other trip; one more drives all the time.

    Samples are 5 s apart. All vehicles may have the same id.
    """
    sent = [Sent(now + 0.3, shared_id or "veh_all_day", "all_day", now + 0.3) for now in range(0, seconds, 5)]
    for number in range(vehicles):
        vehicle = shared_id or f"veh_{number}"
        for trip, begin in enumerate(range(number * 37 % 450, seconds, 900)):
            name = f"trip_{number}_{trip}"
            times = [begin + second + number / 100 for second in range(0, 500, 5)]
            sent += [Sent(at, vehicle, name, at) for at in times if at < seconds]
            if (number + trip) % 2 == 0 and times[-1] < seconds:
                sent.append(Sent(times[-1], vehicle, name, times[-1], "trip_end"))
    return sorted(sent)


def with_devices(honest: list[Sent], device: Device, *, seconds: int, count: int = 1) -> list[Sent]:
    """Add the events of faulty devices."""
    added = [one for now in range(seconds) for number in range(count) for one in device(now, f"odd_{number}")]
    return sorted([*honest, *added], key=lambda one: one.arrives)
