"""Speed traces: marks are the hard events that the features count, and nothing is drawn where nothing is known."""

import json
import re
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from driver_score.report.hard_events import distinct_events, hard_events_of
from driver_score.report.style import Chart
from driver_score.report.traces import MAX_POINTS, trip_chart
from schemas.event_frame import EVENT_SCHEMA
from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.features.batch import trip_features
from scoring.features.parameters import kernel_parameters

PROFILE = ThresholdProfile()
PARAMETERS = kernel_parameters(PROFILE, WindowSettings())
START_MS = 1_772_438_400_000
IDS = {"trip_id": "t", "vehicle_id": "v", "driver_id": "d", "client_id": "c", "vehicle_class": "car"}


def events(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Build a trip from rows with ``at`` in seconds."""
    complete = [
        {"event_type": "sample", **IDS, **row, "timestamp_ms": START_MS + round(row["at"] * 1000)} for row in rows
    ]
    return pl.DataFrame(complete, schema=EVENT_SCHEMA)


def at_speeds(speeds_kmh: list[float], **fields: Any) -> list[dict[str, Any]]:
    return [{"at": second, "speed_kmh": speed, **fields} for second, speed in enumerate(speeds_kmh)]


def marks(trip: pl.DataFrame) -> list[tuple[float, str]]:
    return [
        ((event.timestamp_ms - START_MS) / 1000, event.kind)
        for event in hard_events_of(distinct_events(trip), PARAMETERS)
    ]


#   km/h 60 ──────╮ 4.2 m/s² at 21 s
#              60 ╰─ 45 ─────╮      ╭ 4.2 m/s² at 41 s
#                            45 ────╯ 60 ─────
#   (0.1 km/h up and down, as no speed that is measured each second stays the same)
STEADY = [60.0] * 21 + [45.0] * 20 + [60.0] * 20
STOP_AND_GO = at_speeds([speed + 0.1 * (second % 2) for second, speed in enumerate(STEADY)])


def test_marks_stand_at_the_sample_that_makes_an_event_count() -> None:
    assert marks(events(STOP_AND_GO)) == [(21.0, "hard_brake"), (41.0, "hard_acceleration")]


@pytest.mark.parametrize("disturb", [lambda trip: trip.reverse(), lambda trip: pl.concat([trip, trip])])
def test_order_and_duplicates_change_no_mark(disturb: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    trip = events(STOP_AND_GO)
    assert marks(disturb(trip)) == marks(trip)


def test_of_two_values_of_one_time_the_larger_is_kept_as_in_the_features() -> None:
    lower = events([{"at": 5, "speed_kmh": 20.0}])
    assert marks(pl.concat([lower, events(STOP_AND_GO)])) == marks(events(STOP_AND_GO))


def test_a_device_event_is_a_mark_and_not_a_second_one_beside_ours() -> None:
    of_device = [{"at": 21.2, "event_type": "hard_brake", "duration_s": 1.0}, {"at": 50, "event_type": "hard_corner"}]
    assert marks(events(STOP_AND_GO + of_device)) == [
        (21.0, "hard_brake"),
        (41.0, "hard_acceleration"),
        (50.0, "hard_corner"),
    ]


def test_there_are_as_many_marks_as_the_features_count() -> None:
    sensors = [
        {"at": tick / 10, "speed_kmh": 50.0, "acceleration_mps2": 6.0 * ((tick // 37) % 3 - 1)} for tick in range(900)
    ]
    for trip in (events(STOP_AND_GO), events(sensors)):
        assert len(marks(trip)) == trip_features(trip)["hard_event_count"][0] > 0


def traces_of(chart: Chart | None) -> list[dict[str, Any]]:
    assert chart is not None
    data = re.search(r'Plotly\.newPlot\(\s*"[^"]+",\s*(\[.*?\]),\s*\{"', str(chart.html), flags=re.DOTALL)
    assert data is not None
    traces: list[dict[str, Any]] = json.loads(data[1])
    return traces


def test_no_line_is_drawn_across_a_gap() -> None:
    rows = [row for row in at_speeds([40.0] * 60) if not 20 < row["at"] < 40]
    (speed, _over) = traces_of(trip_chart(events(rows), PROFILE, name="gap"))
    assert speed["y"].count(None) == 1
    assert speed["y"][21] is None


def test_speed_above_the_limit_is_drawn_over_the_speed() -> None:
    rows = at_speeds([50.0] * 10 + [56.0] * 10, speed_limit_kmh=50.0)
    limit, _speed, over = traces_of(trip_chart(events(rows), PROFILE, name="over"))
    assert set(limit["y"]) == {50.0}
    assert over["y"] == [None] * 10 + [56.0] * 10


def test_where_no_limit_is_known_none_is_drawn() -> None:
    assert len(traces_of(trip_chart(events(at_speeds([50.0] * 10)), PROFILE, name="free"))) == 2


def test_a_long_trip_is_thinned_and_keeps_its_peak() -> None:
    speeds = [50.0 + second % 7 for second in range(20_000)]
    speeds[12_345] = 171.0
    speed, _over = traces_of(trip_chart(events(at_speeds(speeds)), PROFILE, name="long"))[:2]
    drawn = [value for value in speed["y"] if value is not None]
    assert len(drawn) <= MAX_POINTS
    assert max(drawn) == 171.0


def test_a_trip_without_speed_has_no_chart() -> None:
    rows = [{"at": second, "acceleration_mps2": 0.1} for second in range(20)]
    assert trip_chart(events(rows), PROFILE, name="blind") is None


def test_the_alternative_text_tells_speed_and_hard_events() -> None:
    chart = trip_chart(events(STOP_AND_GO), PROFILE, name="alt")
    assert chart is not None
    assert "at most 60 km/h; 1 hard brake, 1 hard acceleration, 0 hard corners" in chart.alt
