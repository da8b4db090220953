"""Hard events from their definition: threshold, minimum duration, hysteresis, refractory time, the device's own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas.thresholds import ThresholdProfile

Event = dict[str, Any]


@dataclass
class Tick:
    from_ms: int
    until_ms: int
    acceleration: float | None
    lateral: float | None
    is_measured: bool  # by a sensor of acceleration
    place: int  # of the sample that ends it


def is_valid(row: Event) -> bool:
    return any(row[name] is not None for name in ("speed_kmh", "acceleration_mps2", "lateral_acceleration_mps2"))


def strength(tick: Tick, kind: str) -> float | None:
    if kind == "hard_corner":
        return None if tick.lateral is None else abs(tick.lateral)
    if tick.acceleration is None:
        return None
    return -tick.acceleration if kind == "hard_brake" else tick.acceleration


class _HardEvents:
    """The hard events of one kind, ours and the device's."""

    def __init__(self, threshold: float, profile: ThresholdProfile) -> None:
        self.count = 0
        self._threshold = threshold
        self._profile = profile
        self._lasted_ms: int | None = None  # of the event that is going on
        self._counted = False
        self._free_from_ms = -math.inf  # when the next may begin

    def end(self, at_ms: int) -> None:
        if self._lasted_ms is not None:
            self._lasted_ms = None
            self._not_before(at_ms)

    def _not_before(self, ended_ms: int) -> None:
        self._free_from_ms = max(self._free_from_ms, ended_ms + self._profile.refractory_s * 1000)

    def detected(self, row: Event) -> None:
        if self._lasted_ms is not None:
            self.count += not self._counted
            self._counted = True
        elif row["timestamp_ms"] >= self._free_from_ms:
            self.count += 1
        self._not_before(row["timestamp_ms"] + row["duration_ms"])

    def rated(self, tick: Tick, strength: float | None) -> None:
        if self._lasted_ms is None:
            if strength is None or strength < self._threshold or tick.from_ms < self._free_from_ms:
                return
            self._lasted_ms, self._counted = 0, False
        elif strength is None or strength < self._profile.release_share * self._threshold:
            self.end(tick.from_ms)
            return
        self._lasted_ms += tick.until_ms - tick.from_ms
        if not self._counted and self._lasted_ms >= self._profile.min_event_s * 1000:
            self._counted = True
            self.count += 1


def count_hard_events(
    rows: Sequence[Event], ticks: Sequence[Tick], kind: str, threshold: float, profile: ThresholdProfile
) -> int:
    tick_ending_at = {tick.place: tick for tick in ticks}
    events = _HardEvents(threshold, profile)
    last_sample_ms: int | None = None
    for place, row in enumerate(rows):
        if last_sample_ms is not None and row["after_gap"]:
            events.end(last_sample_ms)
        if row["event_type"] == kind:
            events.detected(row)
        if is_valid(row):
            last_sample_ms = row["timestamp_ms"]
        if place in tick_ending_at:
            events.rated(tick_ending_at[place], strength(tick_ending_at[place], kind))
    return events.count
