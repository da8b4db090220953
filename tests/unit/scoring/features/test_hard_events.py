"""When an event counts: threshold, minimum duration, hysteresis and refractory time, at their limits."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.features.aggregation.hard_events import HARD_EVENT, observe, observe_detected
from scoring.features.parameters import kernel_parameters

PARAMETERS = kernel_parameters(
    ThresholdProfile(min_event_s=0.4, release_share=0.75, refractory_s=2.0), WindowSettings()
)
THRESHOLD = 4.0
RELEASE = 3.0
BEGIN_MS = 1_000_000


@dataclass
class Braking:
    """Ticks of one kind of event, and how many events counted."""

    events: Any = field(default_factory=lambda: np.zeros(1, HARD_EVENT))
    at_ms: int = BEGIN_MS
    count: int = 0

    def tick(self, strength_mps2: float, duration_ms: int) -> "Braking":
        until_ms = self.at_ms + duration_ms
        self.count += observe(self.events[0], strength_mps2, THRESHOLD, self.at_ms, until_ms, PARAMETERS)
        self.at_ms = until_ms
        return self


@pytest.mark.parametrize(
    ("ticks", "count"),
    [
        pytest.param([(4.0, 400)], 1, id="at the threshold for exactly the minimum duration"),
        pytest.param([(4.0, 399)], 0, id="a millisecond short of it"),
        pytest.param([(3.999, 4000)], 0, id="below the threshold, however long"),
        pytest.param([(4.0, 200), (4.0, 200)], 1, id="the minimum in two ticks"),
        pytest.param([(4.0, 200), (3.0, 200)], 1, id="held above the release until the minimum"),
        pytest.param([(4.0, 200), (2.999, 100), (4.0, 200)], 0, id="released in between, and begun again too early"),
        pytest.param([(9.0, 400), (9.0, 4000)], 1, id="one event, however long"),
        pytest.param([(9.0, 400), (3.0, 10_000), (9.0, 400)], 1, id="not released, so still the same event"),
        pytest.param([(9.0, 400), (0.0, 1999), (9.0, 400)], 1, id="the next begins a millisecond too early"),
        pytest.param([(9.0, 400), (0.0, 2000), (9.0, 400)], 2, id="the next begins after exactly the refractory time"),
        pytest.param([(9.0, 200), (np.nan, 200), (9.0, 400)], 0, id="nothing known in between ends an event"),
    ],
)
def test_an_event_counts(ticks: list[tuple[float, int]], count: int) -> None:
    braking = Braking()
    for strength_mps2, duration_ms in ticks:
        braking.tick(strength_mps2, duration_ms)
    assert braking.count == count


@pytest.mark.parametrize(
    ("later_ms", "count"),
    [
        pytest.param(0, 0, id="while ours lasts"),
        pytest.param(1999, 0, id="within the refractory time of ours"),
        pytest.param(2000, 1, id="after it"),
    ],
)
def test_an_event_of_the_device_counts_once_with_ours(later_ms: int, count: int) -> None:
    braking = Braking().tick(9.0, 400).tick(0.0, 1)
    assert braking.count == 1
    ended_ms = int(braking.events[0]["ended_ms"])
    assert observe_detected(braking.events[0], ended_ms + later_ms, 0, PARAMETERS) == count
