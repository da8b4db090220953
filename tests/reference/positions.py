"""Positions from their definitions: which jump, and whether the speeds agree with the way between them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.reference.hard_events import Event

DEGREE_M = math.radians(6_371_008.8)

Place = tuple[float, float]


class LongestInterval(Protocol):
    """Tells of neighbours whether a gap is between them, by the interval before."""

    def is_gap(self, first_ms: int, second_ms: int) -> bool: ...

    def add(self, first_ms: int, second_ms: int) -> None: ...


FROM_SPEED = (
    "distance_km",
    "avg_speed",
    "speed_volatility",
    "max_speed_kmh",
    "hard_corner_count",
    "hard_events_per_100km",
    "speeding_ratio",
    "speeding_ratio_moderate",
    "speeding_ratio_serious",
    "speeding_ratio_severe",
    "idle_ratio",
    "stop_count",
    "phone_use_ratio",
    "peak_lateral_mps2",
    "lateral_rms_mps2",
)
"""Unknown where the speed contradicts the positions."""

FROM_SPEED_OR_SENSOR = (
    "hard_brake_count",
    "hard_acceleration_count",
    "jerk_rms_mps3",
    "peak_deceleration_mps2",
    "peak_acceleration_mps2",
    "acceleration_rms_mps2",
)
"""Likewise, unless a sensor measured most of the accelerations."""


@dataclass(frozen=True)
class Span:
    duration_ms: int
    last_interval_ms: int  # between the last two speeds of different times
    way_m: float
    driven_m: float

    @property
    def is_over(self) -> bool:
        is_long = self.driven_m >= 150 or self.way_m > 300
        return self.duration_ms > 120_000 or (self.duration_ms >= 10_000 and is_long)

    @property
    def contradicts(self) -> bool:
        is_short = self.duration_ms <= 16_000 and self.last_interval_ms <= 10_000
        return (is_short and self.way_m < 0.7 * self.driven_m) or self.way_m > 1.35 * self.driven_m


def place_of(row: Event) -> Place | None:
    place = row.get("latitude"), row.get("longitude")
    return None if None in place or place == (0, 0) else place  # type: ignore[return-value]


def distance_m(one: Place, other: Place) -> float:
    east = other[1] - one[1]
    east -= 360 if east > 180 else -360 if east < -180 else 0
    east *= math.cos(math.radians((one[0] + other[0]) / 2))
    north = other[0] - one[0]
    return DEGREE_M * math.sqrt(north * north + east * east)


def note_jumps(rows: Sequence[Event]) -> int:
    """Note of each row the place that is used, and whether others that jump are before it; count those."""
    used: Event | None = None
    jumped: Place | None = None
    jumps = 0
    for row in rows:
        row["place"], row["after_jump"] = None, False
        place = place_of(row)
        if place is None or (used is not None and place == used["place"]):
            continue
        if used is not None:
            limit_m = 70 * (row["timestamp_ms"] - used["timestamp_ms"]) / 1000 + 100
            is_confirmed = jumped is not None and jumped != place and distance_m(jumped, place) <= limit_m
            if distance_m(used["place"], place) > limit_m and not is_confirmed:
                jumped = place
                jumps += 1
                row["after_jump"] = True
                continue
        row["place"], row["after_jump"] = place, jumped is not None
        used, jumped = row, None
    return jumps


def spans(rows: Sequence[Event], longest: LongestInterval) -> Iterator[Span]:
    """Cut the trip into spans between two places, at times with a speed, and with no gap of the speed within."""
    begin: Event | None = None
    driven_kmh_ms, last_interval_ms = 0.0, 0
    for row, last in _with_last_speed(rows):
        at_ms = row["timestamp_ms"]
        if row["speed_kmh"] is not None and last is not None:
            interval = last["timestamp_ms"], at_ms
            begin = None if longest.is_gap(*interval) or _is_uneven(last, row) else begin
            longest.add(*interval)
            last_interval_ms = interval[1] - interval[0] or last_interval_ms
            driven_kmh_ms += (last["speed_kmh"] + row["speed_kmh"]) / 2 * (interval[1] - interval[0])
        begin = None if row["after_jump"] else begin
        has_speed = row["speed_kmh"] is not None or (last is not None and last["timestamp_ms"] == at_ms)
        if row["place"] is None or not has_speed or _is_coarse(row["place"]):
            continue
        if begin is not None:
            duration_ms = at_ms - begin["timestamp_ms"]
            span = Span(duration_ms, last_interval_ms, distance_m(begin["place"], row["place"]), driven_kmh_ms / 3600)
            if not span.is_over:
                continue
            if duration_ms <= 120_000:
                yield span
        begin = row
        driven_kmh_ms = 0.0


def _is_coarse(place: Place) -> bool:
    """Tell whether a place is a multiple of 0.01 degrees to north and east, as far as float32 can be."""
    return all(math.isclose(degrees, round(degrees, 2), abs_tol=1e-5) for degrees in place)


def _is_uneven(first: Event, second: Event) -> bool:
    """Tell whether an interval is so long, and its speeds so different, that their mean is not that of the interval."""
    is_long = second["timestamp_ms"] - first["timestamp_ms"] > 10_000
    slower, faster = sorted((first["speed_kmh"], second["speed_kmh"]))
    return bool(is_long and faster - slower > 0.2 * faster)


def _with_last_speed(rows: Sequence[Event]) -> Iterator[tuple[Event, Event | None]]:
    """Yield each row with the last one before it that has a speed."""
    last: Event | None = None
    for row in rows:
        yield row, last
        last = row if row["speed_kmh"] is not None else last


def contradicts_speed(rows: Sequence[Event], longest: LongestInterval) -> bool:
    note_jumps(rows)
    compared = list(spans(rows, longest))
    way_m, driven_m = sum(round(span.way_m) for span in compared), sum(round(span.driven_m) for span in compared)
    is_enough = len(compared) >= 5 and max(way_m, driven_m) >= 1000
    is_most = 2 * sum(span.contradicts for span in compared) > len(compared)
    return is_enough and is_most and (way_m > 1.35 * driven_m or way_m < 0.7 * driven_m)
