"""Drives with samples at regular times, and their features."""

import math
from collections.abc import Sequence
from typing import Any

from schemas.features import FEATURE_NAMES
from schemas.thresholds import ThresholdProfile
from scoring.features.batch import trip_features
from tests.reference.random_trips import NOON_MS, Event, event, frame_of

Features = dict[str, float | None]


def features_of(events: list[Event], profile: ThresholdProfile | None = None) -> Features:
    [row] = trip_features(frame_of(events), profile).select(FEATURE_NAMES).to_dicts()
    return {name: None if math.isnan(found) else found for name, found in row.items()}


def drive(
    speeds_kmh: Sequence[float | None], *, period_ms: int = 1000, start_ms: int = NOON_MS, **columns: Any
) -> list[Event]:
    """Samples at regular times; a column is one value for all, or a list with one each."""
    return [
        event(
            start_ms + number * period_ms,
            speed_kmh=speed,
            **{name: given[number] if isinstance(given, list) else given for name, given in columns.items()},
        )
        for number, speed in enumerate(speeds_kmh)
    ]


def report(after_s: float, event_type: str, **measured: Any) -> Event:
    return event(NOON_MS + round(after_s * 1000), event_type=event_type, **measured)
