"""Random trips as devices send them: jitter, gaps, missing sensors, faults, reports; and ways to disorder them."""

import math
import random
from typing import Any

import polars as pl
from hypothesis import strategies as st

from schemas.event_frame import EVENT_SCHEMA, VEHICLE_CLASSES

NOON_MS = 1_700_049_600_000
"""2023-11-15 12:00 UTC, the start of an hour and of a window."""

HOUR_MS = 3_600_000

Event = dict[str, Any]

REPORTS = ("hard_brake", "hard_acceleration", "hard_corner", "phone_use", "speeding")


def event(at_ms: int, trip: str = "trip_1", event_type: str = "sample", **measured: Any) -> Event:
    """Make an event with everything unknown but what is given."""
    return {
        **dict.fromkeys(EVENT_SCHEMA),
        "trip_id": trip,
        "vehicle_id": f"veh_{trip}",
        "driver_id": f"drv_{trip}",
        "client_id": "client_harbor",
        "vehicle_class": "car",
        "timestamp_ms": at_ms,
        "event_type": event_type,
        **measured,
    }


def frame_of(events: list[Event]) -> pl.DataFrame:
    return pl.DataFrame(events, schema=EVENT_SCHEMA)


class Positioning:
    """Positions as a receiver gives them, and speeds as a device shows them that may not be those of the positions."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._share = draw.choice((0.0, 0.1, 0.5, 1.0))
        self._error_m = draw.choice((0.0, 3.0, 30.0))
        self._jump_share = draw.choice((0.0, 0.0, 0.05))
        self._unit = draw.choice((1.0, 1.0, 1.0, 1.609, 0.621, 0.54, 0.278))
        self._frozen_kmh = draw.choice((None, None, None, 0.0, 50.0))
        self._digits = draw.choice((4, 6))
        self._latitude, self._longitude = draw.choice(((48.1, 11.6), (-33.9, 179.999), (64.1, -21.9), (0.001, 0.001)))
        self._last: dict[str, float | None] = {}

    def move(self, speed_kmh: float, heading_deg: float, for_ms: int) -> None:
        way_deg = speed_kmh * for_ms / 3600 / 111_195
        self._latitude += way_deg * math.cos(math.radians(heading_deg))
        self._longitude += way_deg * math.sin(math.radians(heading_deg)) / math.cos(math.radians(self._latitude))
        self._longitude = (self._longitude + 180) % 360 - 180

    def shown_kmh(self, speed_kmh: float) -> float:
        return round(speed_kmh * self._unit, 1) if self._frozen_kmh is None else self._frozen_kmh

    def position(self) -> dict[str, float | None]:
        draw = self._draw
        if draw.random() >= self._share:
            return {}
        if draw.random() < 0.9 or not self._last:
            jump_deg = draw.choice((0.002, 0.02, 2.0)) if draw.random() < self._jump_share else 0.0
            self._last = {
                name: round(place + draw.gauss(0, self._error_m) / 111_195 + jump_deg, self._digits)
                for name, place in (("latitude", self._latitude), ("longitude", self._longitude))
            }
        return self._last | ({"longitude": None} if draw.random() < 0.02 else {})


def make_trip(
    seed: int, *, trip: str = "trip_1", samples: int = 120, period_ms: int = 1000, start_ms: int | None = None
) -> list[Event]:
    """Make one trip, in order of time, of whatever a seed makes of it.

    Decimals are short, so that sums often fall exactly on thresholds.
    """
    draw = random.Random(seed)
    jitter_ms = draw.choice((0, 0, period_ms // 10, period_ms // 3))
    missing = {name: draw.choice((0.0, 0.0, 0.05, 0.5, 1.0)) for name in ("speed", "along", "across", "heading")}
    limit_kmh = draw.choice((None, 30.0, 50.0, 80.0))
    gap_share, report_share = draw.choice((0.0, 0.02)), draw.choice((0.0, 0.0, 0.05))
    held, spike_share = draw.choice((1, 1, 1, 2, 5)), draw.choice((0.0, 0.0, 0.03))
    tilt = draw.choice((0.0, 0.0, 0.0, 0.7, -1.5, 9.8)), draw.choice((0.0, 0.0, 0.0, 1.2, -9.8))
    scale = draw.choice((1.0, 1.0, 1.0, 0.1, -1.0))
    device = Positioning(random.Random(f"positions of {seed}"))
    vehicle_class = draw.choice(VEHICLE_CLASSES)
    offset_min = draw.choice((None, -300, 0, 60, 330))
    with_ids = draw.random() < 0.5

    at_ms = start_ms if start_ms is not None else NOON_MS + draw.randrange(24) * HOUR_MS + draw.randrange(60_000)
    speed, heading = draw.choice((0.0, 20.0, 60.0)), draw.uniform(0, 360)
    push = turn = 0.0
    events: list[Event] = []

    def add(event_type: str, **measured: Any) -> None:
        named = {"event_id": f"{trip}-{len(events)}"} if with_ids else {}
        made = event(at_ms, trip, event_type, vehicle_class=vehicle_class, utc_offset_min=offset_min)
        events.append(made | named | measured)

    add("trip_start")
    shown = speed
    for number in range(samples):
        if draw.random() < 0.1:
            push, turn = draw.choice((0, 0, 1, 3, -2, -3.5, -6)), draw.choice((0, 0, 5, 15, -30))
        speed = min(max(speed + push * 3.6 * period_ms / 1000, 0.0), 160.0)
        heading = (heading + turn * period_ms / 1000) % 360
        if number % held == 0:
            shown = max(round(speed + draw.gauss(0, 0.5) * (speed > 0), 1), 0.0) if speed > 1 else 0.0
        spike = draw.choice((-30, 15, 45, 80)) if draw.random() < spike_share else 0
        measured = {
            "speed_kmh": device.shown_kmh(max(round(shown + spike, 1), 0.0)),
            "acceleration_mps2": round(scale * push + tilt[0] + draw.gauss(0, 0.3), 2)
            if draw.random() > 0.005
            else 300.0,
            "lateral_acceleration_mps2": round(turn / 57.3 * speed / 3.6 + tilt[1], 2),
            "heading_deg": round(heading, 1) if draw.random() > 0.02 else 0.0,
            "speed_limit_kmh": limit_kmh if draw.random() > 0.1 else None,
        }
        for name, column in zip(missing, measured, strict=False):
            if draw.random() < missing[name]:
                measured[column] = None
        if any(measured[name] is not None for name in list(measured)[:3]):
            add("sample", **measured, **device.position())
        if draw.random() < report_share:
            at_ms += draw.choice((0, 1, period_ms // 2))
            add(
                draw.choice(REPORTS),
                duration_s=draw.choice((None, 0.0, 0.3, 1.0, 2.5, 30.0)),
                peak_mps2=draw.choice((None, -4.5, 3.25)),
                speed_kmh=draw.choice((None, measured["speed_kmh"])),
                **device.position(),
            )
        before_ms = at_ms
        at_ms += max(1, period_ms + draw.randint(-jitter_ms, jitter_ms))
        if draw.random() < gap_share:
            at_ms += draw.choice((2_000, 9_000, 10_000, 11_000, 40_000, 130_000))
        device.move(speed, heading, at_ms - before_ms)
    add("trip_end")
    return events


def disorder(events: list[Event], seed: int, *, grace_ms: int) -> list[Event]:
    """Let events arrive late, each by less than the grace period."""
    draw = random.Random(seed)
    arrival = {id(one): one["timestamp_ms"] + draw.random() * (grace_ms - 1) for one in events}
    return sorted(events, key=lambda one: arrival[id(one)])


def upload_late(events: list[Event], seed: int) -> list[Event]:
    """Let blocks of events arrive at any later time, some twice: in order, newest first or mixed."""
    draw = random.Random(seed)
    arrived = list(events)
    for _ in range(draw.randint(1, 4)):
        start = draw.randrange(len(arrived))
        end = min(start + draw.choice((1, 5, 40, len(arrived))), len(arrived))
        rest = arrived[: start if draw.random() < 0.7 else end] + arrived[end:]
        block = arrived[start:end]
        order = draw.choice(("as recorded", "newest first", "mixed"))
        if order == "newest first":
            block.reverse()
        elif order == "mixed":
            draw.shuffle(block)
        at = draw.randint(min(start, len(rest)), len(rest))
        arrived = rest[:at] + block + rest[at:]
    return arrived


def duplicate(events: list[Event], seed: int, *, share: float = 0.3, grace_ms: int) -> list[Event]:
    """Send some events again, once or more, soon after."""
    draw = random.Random(seed)
    copies = [dict(one) for one in events for _ in range(3) if draw.random() < share / 2]
    return disorder([*events, *copies], seed, grace_ms=grace_ms)


seeds = st.integers(0, 2**32 - 1)
periods_ms = st.sampled_from((100, 500, 1000, 1000, 1000, 2000, 5000, 15_000, 40_000))


@st.composite
def trips(draw: st.DrawFn, *, trip: str = "trip_1", max_samples: int = 250) -> list[Event]:
    return make_trip(draw(seeds), trip=trip, samples=draw(st.integers(1, max_samples)), period_ms=draw(periods_ms))


@st.composite
def fleets(draw: st.DrawFn) -> list[Event]:
    """Several trips at once, as their partition sees them."""
    started_ms = NOON_MS + draw(st.integers(0, 120)) * 1000
    events: list[Event] = []
    for number in range(draw(st.integers(1, 4))):
        one = make_trip(
            draw(seeds),
            trip=f"trip_{number}",
            samples=draw(st.integers(1, 150)),
            period_ms=draw(periods_ms),
            start_ms=started_ms + draw(st.integers(0, 60_000)),
        )
        events += one[: len(one) - draw(st.integers(0, 1))]  # some have no end
    return sorted(events, key=lambda one: one["timestamp_ms"])
