import numpy as np
import pytest

from driver_score.replay.pacing import Pace


@pytest.mark.parametrize(
    ("speed", "max_pause_s", "expected_s"),
    [
        (1.0, None, [0.0, 1.0, 1.0, 61.0]),
        (2.0, None, [0.0, 0.5, 0.5, 30.5]),
        (1.0, 5.0, [0.0, 1.0, 1.0, 6.0]),
        (10.0, 5.0, [0.0, 0.1, 0.1, 0.6]),
        (None, 5.0, [0.0, 0.0, 0.0, 0.0]),
    ],
)
@pytest.mark.parametrize("cut", [1, 2, 3])
def test_due_times_follow_event_time_whatever_the_slices(
    speed: float | None, max_pause_s: float | None, expected_s: list[float], cut: int
) -> None:
    send_ms = np.array([7_000, 8_000, 8_000, 68_000])
    pace = Pace(speed, max_pause_s=max_pause_s)
    due_s = [*pace.due_s(send_ms[:cut]), *pace.due_s(send_ms[cut:])]
    assert due_s == pytest.approx(expected_s)
