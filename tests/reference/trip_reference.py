"""The features of one whole trip from their definitions: slow, plain, with everything in lists.

Written from ``docs/features.md``, not from the kernels. None is null.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from schemas.event_frame import EVENT_TYPES, MEASUREMENT_COLUMNS
from schemas.features import FEATURE_NAMES
from schemas.thresholds import HardEventThresholds, ThresholdProfile
from tests.reference.hard_events import Event, Tick, count_hard_events, is_valid, strength
from tests.reference.positions import FROM_SPEED, FROM_SPEED_OR_SENSOR, contradicts_speed

Span = tuple[int, int]

AVERAGING_TOLERANCE = 0.9
DAY_MIN = 1440


def reference_features(events: Sequence[Mapping[str, Any]], profile: ThresholdProfile) -> dict[str, float | None]:
    rows = sorted(_without_duplicates([_rounded(event) for event in events]), key=_order)
    _remove_spikes(rows, profile)
    _note_gaps(rows, profile)
    _note_held(rows, profile)
    samples = [row for row in rows if is_valid(row)]
    limits = profile.hard_events.get(rows[0]["vehicle_class"], HardEventThresholds())

    ticks = _ticks(rows, limits.acceleration_mps2, profile)
    hard = {
        "hard_brake": count_hard_events(rows, ticks, "hard_brake", limits.brake_mps2, profile),
        "hard_acceleration": count_hard_events(rows, ticks, "hard_acceleration", limits.acceleration_mps2, profile),
        "hard_corner": count_hard_events(rows, ticks, "hard_corner", limits.corner_mps2, profile),
    }
    features = dict.fromkeys(FEATURE_NAMES) | {
        **_time_features(samples, profile),
        **_speed_features(samples, rows, profile),
        **_acceleration_features(rows, ticks),
        **_hard_features(hard, rows, ticks, samples, profile),
        **_jerk(rows, ticks, profile),
    }
    if contradicts_speed(rows, _LongestInterval(profile)):
        features |= dict.fromkeys(FROM_SPEED)
        if not _is_measured(ticks):
            features |= dict.fromkeys(FROM_SPEED_OR_SENSOR)
        known = [count for kind, count in hard.items() if features[f"{kind}_count"] is not None]
        features["hard_event_count"] = sum(known) if known else None
    return features


def _is_measured(ticks: Sequence[Tick]) -> bool:
    """Tell whether a sensor measured most of the accelerations."""
    rated = [(tick, tick.until_ms - tick.from_ms) for tick in ticks if tick.acceleration is not None]
    measured_ms = sum(ms for tick, ms in rated if tick.is_measured)
    return 2 * measured_ms >= sum(ms for _, ms in rated)


def _holds_speed(rows: Sequence[Event], ticks: Sequence[Tick]) -> bool:
    """Tell whether most large changes come after a speed was held for long, and no sensor measures acceleration."""
    steps = [row["step"] for row in rows if row["step"] is not None]
    return bool(sum(steps) >= 3 and 2 * sum(steps) >= len(steps) and not _is_measured(ticks))


def _rounded(event: Mapping[str, Any]) -> Event:
    """Round what sensors measure to float32, as every path into the core does."""
    row = dict(event)
    for name in (*MEASUREMENT_COLUMNS, "latitude", "longitude"):
        if row.get(name) is not None and not math.isnan(row[name]):
            row[name] = float(np.float32(row[name]))
        else:
            row[name] = None
    if row["heading_deg"] == 0:
        row["heading_deg"] = None
    row["utc_offset_min"] = row.get("utc_offset_min") or 0
    row["duration_ms"] = round(float(np.float32(row["duration_s"]) * np.float32(1000))) if row["duration_s"] else 0
    return row


def _order(row: Event) -> tuple[int, int]:
    return row["timestamp_ms"], EVENT_TYPES.index(row["event_type"])


def _without_duplicates(rows: Sequence[Event]) -> list[Event]:
    """Events of one type at one time are one event; of each measurement the larger is kept."""
    kept: dict[tuple[int, int], Event] = {}
    for row in rows:
        if _order(row) not in kept:
            kept[_order(row)] = dict(row)
            continue
        known = kept[_order(row)]
        for name in (*MEASUREMENT_COLUMNS, "utc_offset_min", "duration_ms"):
            both = [value for value in (known[name], row[name]) if value is not None]
            signed = name.endswith("_mps2")
            known[name] = max(both, key=(lambda value: (abs(value), value)) if signed else None, default=None)
        places = [(one["latitude"], one["longitude"]) for one in (known, row)]
        known["latitude"], known["longitude"] = max(
            (place for place in places if None not in place), default=(None, None)
        )
    return list(kept.values())


def _remove_spikes(rows: Sequence[Event], profile: ThresholdProfile) -> None:
    """Make the speed of a single sample unknown that is reached, and left again, faster than any vehicle can."""

    def is_jump(first: Event, second: Event) -> bool:
        step = abs(float(second["speed_kmh"]) - float(first["speed_kmh"]))
        elapsed_ms = second["timestamp_ms"] - first["timestamp_ms"]
        is_fast = step / 3.6 >= profile.spike_mps2 * (elapsed_ms / 1000)
        return 0 < elapsed_ms <= profile.max_gap_s * 1000 and step >= profile.spike_kmh and is_fast

    last: Event | None = None
    for place, row in enumerate(rows):
        row["is_spike"] = False
        if row["speed_kmh"] is None:
            continue
        later = [
            other
            for other in rows[place + 1 :]
            if other["speed_kmh"] is not None and other["timestamp_ms"] > row["timestamp_ms"]
        ]
        if last is not None and later and is_jump(last, row) and is_jump(row, later[0]):
            up, down = row["speed_kmh"] - last["speed_kmh"], later[0]["speed_kmh"] - row["speed_kmh"]
            if up * down < 0:
                row["speed_kmh"] = None
                row["is_spike"] = True
                continue
        last = row


def _note_gaps(rows: Sequence[Event], profile: ThresholdProfile) -> None:
    """Note of each event whether a gap lies before it, after the last sample."""
    longest = _LongestInterval(profile)
    last: Event | None = None
    for row in rows:
        row["after_gap"] = last is None or longest.is_gap(last["timestamp_ms"], row["timestamp_ms"])
        if is_valid(row):
            if last is not None:
                longest.add(last["timestamp_ms"], row["timestamp_ms"])
            last = row


def _note_held(rows: Sequence[Event], profile: ThresholdProfile) -> None:
    """Note for how long each speed has been the same."""
    last: Event | None = None
    longest = _LongestInterval(profile)
    since_ms = repeats = direct = repeated = 0
    for row in rows:
        row["held_ms"], row["step"] = 0, None
        if row["speed_kmh"] is None:
            continue
        at_ms = row["timestamp_ms"]
        is_driven = last is not None and not longest.is_gap(last["timestamp_ms"], at_ms)
        if is_driven and last is not None and last["speed_kmh"] == row["speed_kmh"]:
            repeats += 1
        else:
            if is_driven and last is not None and abs(row["speed_kmh"] - last["speed_kmh"]) >= profile.held_step_kmh:
                is_held = repeats > 0 and at_ms - since_ms > profile.max_difference_s * 1000
                row["step"] = is_held and last["speed_kmh"] >= profile.idle_kmh
                direct, repeated = direct + (repeats == 0), repeated + (repeats > 0)
            since_ms, repeats = at_ms, 0
        row["held_ms"] = at_ms - since_ms
        row["held_before_ms"] = 0 if repeats == 1 and direct > repeated else row["held_ms"]
        if last is not None:
            longest.add(last["timestamp_ms"], at_ms)
        last = row


class _LongestInterval:
    """The longest interval that is no gap, by the interval before it."""

    def __init__(self, profile: ThresholdProfile) -> None:
        self._profile = profile
        self._before_ms = 0

    def is_gap(self, first_ms: int, second_ms: int) -> bool:
        sparse_ms = min(3 * self._before_ms, self._profile.max_sparse_gap_s * 1000)
        return second_ms - first_ms > max(self._profile.max_gap_s * 1000, sparse_ms)

    def add(self, first_ms: int, second_ms: int) -> None:
        if second_ms > first_ms:
            self._before_ms = second_ms - first_ms


def _intervals(samples: Sequence[Event], profile: ThresholdProfile) -> list[tuple[Event, Event, int]]:
    """Pairs of neighbours with the time between them, gaps left out."""
    longest = _LongestInterval(profile)
    pairs = []
    for first, second in pairwise(samples):
        times = first["timestamp_ms"], second["timestamp_ms"]
        if not longest.is_gap(*times):
            pairs.append((first, second, times[1] - times[0]))
        longest.add(*times)
    return pairs


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _root_mean_square(values: Sequence[tuple[float, int]]) -> float | None:
    """Root of the mean square of (value, weight) pairs."""
    weight = math.fsum(pair[1] for pair in values)
    return math.sqrt(math.fsum(value * value * ms for value, ms in values) / weight) if weight > 0 else None


# time ---------------------------------------------------------------------------------------------------------------


def _time_features(samples: Sequence[Event], profile: ThresholdProfile) -> dict[str, float | None]:
    duration_ms = night_ms = 0
    for _, second, interval_ms in _intervals(samples, profile):
        duration_ms += interval_ms
        minute = (second["timestamp_ms"] // 60_000 + second["utc_offset_min"]) % DAY_MIN
        if _is_night(minute // 60, profile):
            night_ms += interval_ms
    return {"duration_s": duration_ms / 1000, "night_ratio": _ratio(night_ms, duration_ms)}


def _is_night(hour: int, profile: ThresholdProfile) -> bool:
    start, end = profile.night_from_hour, profile.night_until_hour
    night_hours = set(range(start, end)) if start <= end else {*range(start, 24), *range(end)}
    return hour in night_hours


# speed ---------------------------------------------------------------------------------------------------------------


def _mean_kmh(first: Event, second: Event) -> float:
    return float(first["speed_kmh"] + second["speed_kmh"]) / 2


def _speed_features(
    samples: Sequence[Event], rows: Sequence[Event], profile: ThresholdProfile
) -> dict[str, float | None]:
    moving = [sample for sample in samples if sample["speed_kmh"] is not None]
    intervals = _intervals(moving, profile)
    known_ms = sum(interval_ms for *_, interval_ms in intervals)
    reports = [row for row in rows if row["event_type"] == "phone_use"]
    features: dict[str, float | None] = {"phone_use_ratio": None}
    if reports:
        phone_spans = _union(reports)
        driving = [(*pair, _mean_kmh(*pair[:2])) for pair in intervals]
        driving = [pair for pair in driving if pair[3] > profile.moving_kmh]
        covered_ms = sum(_covered(phone_spans, second, interval_ms) for _, second, interval_ms, _ in driving)
        features["phone_use_ratio"] = _ratio(covered_ms, sum(pair[2] for pair in driving))
    features |= _speeding(intervals, _union([row for row in rows if row["event_type"] == "speeding"]), profile)
    if known_ms == 0:
        return features

    weighted_km = [_mean_kmh(first, second) * interval_ms / 3.6e6 for first, second, interval_ms in intervals]
    distance_km = math.fsum(weighted_km)
    weighted = [
        (sample["speed_kmh"], interval_ms / 2) for *pair, interval_ms in intervals for sample in pair
    ]  # trapezoid: half of the interval each end
    mean = math.fsum(speed * weight for speed, weight in weighted) / known_ms
    variance = math.fsum((speed - mean) ** 2 * weight for speed, weight in weighted) / known_ms
    return features | {
        "distance_km": distance_km,
        "avg_speed": distance_km / (known_ms / 3.6e6),
        "speed_volatility": math.sqrt(variance),
        "max_speed_kmh": max(sample["speed_kmh"] for sample in moving),
        "idle_ratio": sum(ms for first, second, ms in intervals if _mean_kmh(first, second) < profile.idle_kmh)
        / known_ms,
        "stop_count": _count_stops(moving, profile),
    }


def _count_stops(moving: Sequence[Event], profile: ThresholdProfile) -> int:
    """Count the runs of slow intervals that last long enough; a gap ends a run."""
    runs = [0]
    driven = {(id(first), id(second)) for first, second, _ in _intervals(moving, profile)}
    for first, second in pairwise(moving):
        interval_ms = second["timestamp_ms"] - first["timestamp_ms"]
        if interval_ms == 0:
            continue
        if (id(first), id(second)) in driven and _mean_kmh(first, second) < profile.idle_kmh:
            runs[-1] += interval_ms
        else:
            runs.append(0)
    return sum(run >= profile.stop_s * 1000 for run in runs)


def _union(reports: Sequence[Event]) -> list[Span]:
    """Join the spans of reports that overlap or touch."""
    spans: list[Span] = []
    for report in reports:
        start, end = report["timestamp_ms"], report["timestamp_ms"] + report["duration_ms"]
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return spans


def _covered(spans: Sequence[Span], second: Event, interval_ms: int) -> int:
    until = second["timestamp_ms"]
    return sum(max(0, min(end, until) - max(start, until - interval_ms)) for start, end in spans)


def _speeding(
    intervals: Sequence[tuple[Event, Event, int]], spans: Sequence[Span], profile: ThresholdProfile
) -> dict[str, float | None]:
    known_ms = unlimited_ms = reported_ms = 0
    over_ms = [0, 0, 0]
    for first, second, interval_ms in intervals:
        if second["speed_limit_kmh"] is None:
            unlimited_ms += interval_ms
            reported_ms += _covered(spans, second, interval_ms)
            continue
        known_ms += interval_ms
        excess = _mean_kmh(first, second) - second["speed_limit_kmh"]
        tier = sum(excess > bound for bound in profile.speeding_kmh)
        if tier > 0:
            over_ms[tier - 1] += interval_ms
    if reported_ms > 0:
        known_ms += unlimited_ms
        over_ms[0] += reported_ms
    moderate, serious, severe = (_ratio(ms, known_ms) for ms in over_ms)
    return {
        "speeding_ratio": _ratio(sum(over_ms), known_ms),
        "speeding_ratio_moderate": moderate,
        "speeding_ratio_serious": serious,
        "speeding_ratio_severe": severe,
    }


# accelerations -------------------------------------------------------------------------------------------------------


def _ticks(rows: Sequence[Event], launch_mps2: float, profile: ThresholdProfile) -> list[Tick]:
    """Cut the samples into ticks: from one on to the first that is an averaging time later; a gap starts again."""
    ticks: list[Tick] = []
    checks = SensorCheck(has_scale=True), SensorCheck(has_scale=False)
    ends: list[Event] = []  # samples that ended a tick since the last gap, the first one included
    collected: list[Event] = []
    last: Event | None = None
    for place, row in enumerate(rows):
        if not is_valid(row):
            continue
        if last is None or row["after_gap"]:
            ends, collected = [row], []
        else:
            collected.append(row)
            if row["timestamp_ms"] - ends[-1]["timestamp_ms"] >= round(
                profile.averaging_s * AVERAGING_TOLERANCE * 1000
            ):
                ticks.append(_rated(ends, collected, row, place, checks, launch_mps2, profile))
                ends.append(row)
                collected = []
        last = row
    return ticks


def _rated(
    ends: Sequence[Event],
    collected: Sequence[Event],
    row: Event,
    place: int,
    checks: "tuple[SensorCheck, SensorCheck]",
    launch_mps2: float,
    profile: ThresholdProfile,
) -> Tick:
    now_ms, from_ms = row["timestamp_ms"], ends[-1]["timestamp_ms"]
    old_enough = [end for end in ends if now_ms - end["timestamp_ms"] >= profile.min_difference_s * 1000]
    reference = old_enough[-1] if old_enough else None
    if reference is not None and now_ms - reference["timestamp_ms"] > profile.max_difference_s * 1000:
        reference = None
    within = now_ms - from_ms <= profile.max_difference_s * 1000

    acceleration = turn = None
    straight = None
    if reference is not None:
        acceleration = _no_fault(_speed_difference(reference, row, launch_mps2, profile), profile)
        turn = _no_fault(_turning(reference, row, profile), profile)
        if reference["speed_kmh"] is not None and row["speed_kmh"] is not None:
            straight = 0.0 if _mean_kmh(reference, row) < profile.idle_kmh else None

    lateral = turn
    span_ms = now_ms - from_ms
    measured = _sensor_mean(collected, "acceleration_mps2", profile) if within else None
    is_measured = measured is not None and not checks[0].contradicts
    if measured is not None:
        acceleration = checks[0].believe(measured, acceleration, span_ms)
    measured = _sensor_mean(collected, "lateral_acceleration_mps2", profile) if within else None
    if measured is not None:
        lateral = checks[1].believe(measured, straight if turn is None else turn, span_ms)
    rated = _no_fault(acceleration, profile), _no_fault(lateral, profile)
    return Tick(from_ms, now_ms, *rated, is_measured, place)


class SensorCheck:
    """Holds a sensor against the reference, tick by tick."""

    def __init__(self, *, has_scale: bool) -> None:
        self._has_scale = has_scale
        self._known_ms = 0
        self._offset = self._reference = self._square = self._product = 0.0

    @property
    def contradicts(self) -> bool:
        if self._known_ms < 3000:
            return False
        offset = self._offset / self._known_ms
        if self._known_ms < 60_000:
            return abs(offset) > 3
        if abs(offset) > 2:
            return True
        product = self._product - offset * self._reference
        is_too_large = self._square >= 15_000 and product > 5 * self._square
        is_too_small = self._square >= 0.25 * self._known_ms and product < 0.2 * self._square
        return self._has_scale and (is_too_large or is_too_small)

    def believe(self, measured: float, reference: float | None, span_ms: int) -> float | None:
        believed = self._believed(measured, reference)
        if reference is not None:
            self._known_ms += span_ms
            self._offset += (measured - reference) * span_ms
            self._reference += reference * span_ms
            self._square += reference * reference * span_ms
            self._product += measured * reference * span_ms
        return believed

    def _believed(self, measured: float, reference: float | None) -> float | None:
        if self.contradicts:
            return reference
        if self._known_ms == 0:
            return reference if reference is not None and abs(measured - reference) >= 3 else measured
        if self._known_ms < 3000:
            return reference if abs(self._offset / self._known_ms) >= 3 else measured
        if self._known_ms < 60_000:
            return measured
        offset = self._offset / self._known_ms
        return measured - offset if abs(offset) > 0.5 else measured


def _no_fault(acceleration: float | None, profile: ThresholdProfile) -> float | None:
    return acceleration if acceleration is not None and abs(acceleration) <= profile.fault_mps2 else None


def _sensor_mean(collected: Sequence[Event], name: str, profile: ThresholdProfile) -> float | None:
    good = [row[name] for row in collected if _no_fault(row[name], profile) is not None]
    return math.fsum(good) / len(good) if good else None


def _speed_difference(reference: Event, row: Event, launch_mps2: float, profile: ThresholdProfile) -> float | None:
    """Divide the change by the time since the earlier speed first appeared, if that is longer."""
    if reference["speed_kmh"] is None or row["speed_kmh"] is None:
        return None
    step_kmh = row["speed_kmh"] - reference["speed_kmh"]
    elapsed_ms = row["timestamp_ms"] - reference["timestamp_ms"]
    since_ms = max(elapsed_ms, elapsed_ms + reference["held_before_ms"] - row["held_ms"])
    if since_ms <= profile.max_difference_s * 1000 or abs(step_kmh) < profile.held_step_kmh:
        return float(step_kmh / 3.6 / (since_ms / 1000))
    slope = float(step_kmh / 3.6 / (elapsed_ms / 1000))
    is_launch = reference["speed_kmh"] < profile.idle_kmh and slope < launch_mps2
    return slope if is_launch else None


def _turning(reference: Event, row: Event, profile: ThresholdProfile) -> float | None:
    """Heading rate times speed; right is positive."""
    if any(end[name] is None for end in (reference, row) for name in ("speed_kmh", "heading_deg")):
        return None
    mean_kmh = _mean_kmh(reference, row)
    if mean_kmh < profile.corner_min_speed_kmh:
        return None
    turn = (row["heading_deg"] - reference["heading_deg"]) % 360
    turn = turn - 360 if turn >= 180 else turn
    elapsed_s = (row["timestamp_ms"] - reference["timestamp_ms"]) / 1000
    return float(mean_kmh / 3.6 * math.radians(turn) / elapsed_s)


def _acceleration_features(rows: Sequence[Event], ticks: Sequence[Tick]) -> dict[str, float | None]:
    holds_speed = _holds_speed(rows, ticks)
    along = [(tick.acceleration, tick.until_ms - tick.from_ms) for tick in ticks if tick.acceleration is not None]
    across = [(tick.lateral, tick.until_ms - tick.from_ms) for tick in ticks if tick.lateral is not None]

    def peak(rated: Sequence[float], event_type: str) -> float | None:
        reported = [abs(row["peak_mps2"]) for row in rows if row["event_type"] == event_type and row["peak_mps2"]]
        return max([0.0, *rated, *reported]) if rated or reported else None

    def along_peak(sign: int, event_type: str) -> float | None:
        rated = [sign * value for value, _ in along]
        return peak([value for value in rated if value > 0] if holds_speed else rated, event_type)

    return {
        "acceleration_rms_mps2": None if holds_speed else _root_mean_square(along),
        "lateral_rms_mps2": _root_mean_square(across),
        "peak_deceleration_mps2": along_peak(-1, "hard_brake"),
        "peak_acceleration_mps2": along_peak(1, "hard_acceleration"),
        "peak_lateral_mps2": peak([abs(value) for value, _ in across], "hard_corner"),
    }


def _jerk(rows: Sequence[Event], ticks: Sequence[Tick], profile: ThresholdProfile) -> dict[str, float | None]:
    """Change between neighbouring rated ticks that have no gap between them."""
    if _holds_speed(rows, ticks):
        return {"jerk_rms_mps3": None}
    jerks = []
    rated = [(tick, tick.acceleration) for tick in ticks if tick.acceleration is not None]
    for (first, before_mps2), (second, after_mps2) in pairwise(rated):
        elapsed_ms = second.until_ms - first.until_ms
        has_gap = any(row["after_gap"] for row in rows[first.place + 1 : second.place + 1] if is_valid(row))
        if elapsed_ms <= profile.max_difference_s * 1000 and not has_gap:
            jerks.append(((after_mps2 - before_mps2) / (elapsed_ms / 1000), elapsed_ms))
    return {"jerk_rms_mps3": _root_mean_square(jerks)}


def _hard_features(
    hard: Mapping[str, int],
    rows: Sequence[Event],
    ticks: Sequence[Tick],
    samples: Sequence[Event],
    profile: ThresholdProfile,
) -> dict[str, float | None]:
    rated_by = dict.fromkeys(hard, ticks)
    if _holds_speed(rows, ticks):
        rated_by |= {"hard_brake": [], "hard_acceleration": []}
    rated = {kind: hard[kind] > 0 or any(strength(tick, kind) is not None for tick in rated_by[kind]) for kind in hard}
    total = sum(hard[kind] for kind in hard if rated[kind]) if any(rated.values()) else None
    moving = [sample for sample in samples if sample["speed_kmh"] is not None]
    intervals = _intervals(moving, profile)
    distance_km = math.fsum(_mean_kmh(first, second) * ms / 3.6e6 for first, second, ms in intervals)
    far_enough = distance_km >= profile.min_rate_distance_km
    return {
        "hard_event_count": total,
        **{f"{kind}_count": hard[kind] if rated[kind] else None for kind in hard},
        "hard_events_per_100km": total / distance_km * 100 if total is not None and far_enough else None,
    }
