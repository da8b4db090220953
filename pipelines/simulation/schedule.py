"""When everyone drives: real wall-clock starts, and the blocks of traffic in which the trips are simulated."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from pipelines.simulation.drivers import HOURS_PER_DAY, Driver, Style, style_of_trip

FIRST_DAY: Final = datetime(2026, 3, 9, tzinfo=UTC)
"""A Monday; no client's clocks change in the week that follows."""
DAYS: Final = 7
MAX_TRIPS_PER_DRIVER: Final = 84
"""Half of the week's hours: a driver starts at most one trip in an hour."""
LATEST_START_S: Final = 2_100
"""Trips begin in the first 35 minutes of an hour and take less than 25, so a driver's trips never overlap."""


@dataclass(frozen=True)
class Density:
    """Traffic of a time of day: background vehicles an hour, fleet trips in a full block."""

    name: str
    background_per_h: int
    fleet_trips: int


NIGHT = Density("night", 1_200, 90)
SHOULDER = Density("shoulder", 2_700, 150)
DAYTIME = Density("day", 3_800, 200)
PEAK = Density("peak", 5_200, 250)
"""Chosen so that night flows freely and peak hours queue at the lights without gridlock."""


@dataclass(frozen=True)
class PlannedTrip:
    """A trip before it is driven; ``start_ms`` is UTC epoch milliseconds."""

    trip_id: str
    driver: Driver
    style: Style
    start_ms: int
    density: Density


@dataclass(frozen=True)
class Block:
    """Trips that are simulated together, among the traffic of their time of day."""

    number: int
    density: Density
    trips: tuple[PlannedTrip, ...]


def density_at(local_hour: int) -> Density:
    """Return the traffic of a local hour, 0 to 23."""
    if local_hour in {7, 8, 9, 16, 17, 18}:
        return PEAK
    if 10 <= local_hour < 16:  # noqa: PLR2004  (the hours between the peaks)
        return DAYTIME
    return SHOULDER if local_hour in {6, 19, 20, 21} else NIGHT


def plan_trips(drivers: list[Driver], trips_per_driver: int, *, seed: int) -> list[PlannedTrip]:
    """Plan every driver's week; trip ids are numbered by start."""
    rng = np.random.default_rng([seed, 3])
    drafts: list[tuple[int, Driver, Style, Density]] = []
    for driver in drivers:
        weights = np.tile(np.array(driver.client.hours, dtype=float), DAYS)
        slots = rng.choice(len(weights), size=trips_per_driver, replace=False, p=weights / weights.sum())
        for slot in slots.tolist():
            tenths = int(rng.integers(0, LATEST_START_S * 10))
            local_ms = int(FIRST_DAY.timestamp()) * 1_000 + slot * 3_600_000 + tenths * 100
            drafts.append(
                (
                    local_ms - driver.client.utc_offset_min * 60_000,
                    driver,
                    style_of_trip(driver, rng),
                    density_at(slot % HOURS_PER_DAY),
                )
            )
    drafts.sort(key=lambda draft: (draft[0], draft[1].driver_id))
    return [
        PlannedTrip(f"trip_{number:06d}", driver, style, start_ms, density)
        for number, (start_ms, driver, style, density) in enumerate(drafts, start=1)
    ]


def make_blocks(trips: list[PlannedTrip]) -> list[Block]:
    """Group trips of the same density into blocks of at most that density's number of fleet trips."""
    blocks: list[Block] = []
    for density in (NIGHT, SHOULDER, DAYTIME, PEAK):
        chosen = [trip for trip in trips if trip.density is density]
        for first in range(0, len(chosen), density.fleet_trips):
            part = tuple(chosen[first : first + density.fleet_trips])
            blocks.append(Block(len(blocks), density, part))
    return blocks
