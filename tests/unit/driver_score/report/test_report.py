"""The report as a whole: what counts, what is shown, and that the page stands alone and stays safe."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from plotly.offline import get_plotlyjs

from driver_score.losses import Loss
from driver_score.report import InputQuality, write_report
from driver_score.report.frames import latest_profiles, latest_trips
from schemas.columns import OUTPUT_COLUMNS
from schemas.event_frame import EVENT_SCHEMA
from schemas.messages.driver_profile import DriverProfile
from schemas.messages.driver_score import DriverScore
from schemas.messages.trip_alert import TripAlert

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CLEAN = InputQuality(events=1, rejected=0, rejects_by_code={}, duplicates=0, late=0)


def ids(trip: int, client: str = "client_harbor") -> dict[str, str]:
    return {
        "trip_id": f"trip_{trip}",
        "vehicle_id": f"veh_{trip % 7}",
        "driver_id": f"drv_{trip % 5}",
        "client_id": client,
        "vehicle_class": "van",
    }


def band_of(score: float) -> str:
    return "low" if score >= 70 else "moderate" if score >= 45 else "high"


def score_message(trip: int = 1, score: float | None = 80.0, **fields: Any) -> dict[str, Any]:
    scored: dict[str, Any] = {"status": "insufficient_exposure"}
    if score is not None:
        scored = {
            "status": "scored",
            "score": score,
            "band": band_of(score),
            "risk": 1 - score / 100,
            "reason_1": "SPEEDING",
            "reason_1_impact": -6.2,
            "reason_2": "HARD_BRAKING",
            "reason_2_impact": 1.5,
            "model_name": "driver-risk",
            "model_version": "v3",
        }
    message = {
        **ids(trip),
        "score_id": f"score-{trip}",
        "revision": 0,
        "kind": "trip",
        "final": True,
        "window_start": START,
        "window_end": START + timedelta(minutes=12),
        "event_count": 720,
        "late_event_count": 0,
        "threshold_profile": "default-v2",
        "event_time": START + timedelta(minutes=12),
        "scored_at": START + timedelta(minutes=12),
        "duration_s": 720.0,
        "distance_km": 9.5,
        "speeding_ratio": 0.31,
        "hard_brake_count": 1,
        "peak_deceleration_mps2": 3.4,
        **scored,
    }
    return DriverScore.model_validate(message | fields).model_dump(mode="json")


def profile_message(driver: int, score: float | None, **fields: Any) -> dict[str, Any]:
    message = {
        "driver_id": f"drv_{driver}",
        "client_id": "client_harbor",
        "status": "insufficient_exposure" if score is None else "scored",
        "score": score,
        "band": None if score is None else band_of(score),
        "trip_count": 4,
        "distance_km": 38.0,
        "duration_s": 2880.0,
        "effective_distance_km": 38.0,
        "half_life_days": 30,
        "last_trip_id": "trip_1",
        "event_time": START,
        "updated_at": START,
    }
    return DriverProfile.model_validate(message | fields).model_dump(mode="json")


def alert_message(trip: int) -> dict[str, Any]:
    alert = ids(trip) | {
        "alert_id": f"alert-{trip}",
        "alert_type": "high_risk_trip",
        "score_id": f"score-{trip}",
        "risk": 0.7,
        "score": 30.0,
    }
    times = {"band": "high", "event_time": START + timedelta(minutes=7), "raised_at": START}
    return TripAlert.model_validate(alert | times).model_dump(mode="json")


def frame(topic: str, messages: list[dict[str, Any]]) -> pl.DataFrame:
    return (
        pl.DataFrame(messages, infer_schema_length=None).select(OUTPUT_COLUMNS[topic]) if messages else pl.DataFrame()
    )


def drive(trip: int = 1, **columns: Any) -> pl.DataFrame:
    """Two minutes at 50 km/h, a sample a second, with one hard stop from the 60th second on."""
    speeds = [50.0] * 60 + [36.0, 22.0, 8.0] + [0.0] * 57
    samples = {
        **ids(trip),
        "timestamp_ms": [int(START.timestamp() * 1000) + 1000 * second for second in range(120)],
        "event_type": "sample",
        "speed_kmh": speeds,
        **columns,
    }
    given = pl.DataFrame(samples)
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in EVENT_SCHEMA.items() if name not in given.columns]
    return given.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in EVENT_SCHEMA.items())


def written(path: Path, scores: list[dict[str, Any]], **given: Any) -> str:
    """Write a report and give its page without Plotly's own script."""
    report = write_report(
        path,
        scores=frame("driver-scores", scores),
        alerts=frame("trip-alerts", given.get("alerts", [])),
        profiles=frame("driver-profiles", given.get("profiles", [])),
        events=given.get("events", drive()),
        quality=given.get("quality", CLEAN),
        title=given.get("title", "A week"),
    )
    page = report.read_text("utf-8")
    assert page.count(get_plotlyjs()) == 1
    return page.replace(get_plotlyjs(), "")


def text_of(page: str) -> str:
    """Reduce a page to what a reader sees, charts left out."""
    without_code = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", without_code))


def test_a_trip_counts_once_with_its_highest_revision() -> None:
    messages = [
        score_message(1, 90.0, revision=2),
        score_message(1, 40.0, revision=1),
        score_message(1, 90.0, revision=2),
    ]
    windows = [
        score_message(1, 10.0, kind="window", revision=9),
        score_message(1, 20.0, model_role="challenger", revision=9),
    ]
    trips = latest_trips(frame("driver-scores", messages + windows))
    assert trips.select("trip_id", "score").rows() == [("trip_1", 90.0)]


def test_trips_of_the_same_id_on_two_vehicles_are_two_trips() -> None:
    messages = [score_message(1), score_message(1, vehicle_id="veh_other")]
    assert latest_trips(frame("driver-scores", messages)).height == 2


def test_of_a_driver_the_newest_profile_counts() -> None:
    messages = [profile_message(1, 70.0, event_time=START + timedelta(days=1)), profile_message(1, 50.0)]
    assert latest_profiles(frame("driver-profiles", messages))["score"].to_list() == [70.0]


def test_times_may_be_text_or_datetime() -> None:
    as_text = frame("driver-scores", [score_message(1), score_message(2, window_end=START + timedelta(seconds=1.5))])
    as_time = as_text.with_columns(pl.col("window_start", "window_end", "scored_at").str.to_datetime("%+"))
    assert latest_trips(as_text).equals(latest_trips(as_time))
    assert latest_trips(as_text)["window_start"][0] == START


def test_the_report_goes_into_a_folder_or_to_a_file(tmp_path: Path) -> None:
    for target, expected in ((tmp_path / "new", "new/driver-score-report.html"), (tmp_path / "a.html", "a.html")):
        report = write_report(
            target,
            scores=pl.DataFrame(),
            alerts=pl.DataFrame(),
            profiles=pl.DataFrame(),
            events=drive().clear(),
            quality=CLEAN,
            title="Empty",
        )
        assert report == tmp_path / expected
        assert report.is_file()


def test_the_page_asks_nothing_of_any_network(tmp_path: Path) -> None:
    page = written(tmp_path, [score_message(trip) for trip in range(20)], profiles=[profile_message(1, 80.0)])
    assert re.findall(r"""(?:src|href)\s*=|url\(|@import|https?://""", page) == []
    assert "default-src 'none'" in page


def test_a_trip_is_shown_with_its_reasons_in_words(tmp_path: Path) -> None:
    text = text_of(written(tmp_path, [score_message(1, 30.0)], alerts=[alert_message(1)]))
    assert "trip_1 30 high risk alert at 08:07" in text
    assert "\N{MINUS SIGN}6.2 Speeding. Drove above the speed limit more than usual." in text
    assert "31% of the time more than 5 km/h above a known limit" in text
    assert "+1.5 Hard braking. Braked more gently than usual." in text
    assert "1 hard brake in 9.5 km, strongest 3.4 m/s²" in text


def test_headline_numbers_are_those_of_the_trips(tmp_path: Path) -> None:
    scores = [score_message(1, 90.0), score_message(2, 60.0), score_message(3, 30.0), score_message(4, None)]
    text = text_of(written(tmp_path, scores, alerts=[alert_message(3), alert_message(3)]))
    for expected in (
        "60 median trip score",
        "Trips 4",
        "Kilometres 38",
        "Hours 0.8",
        "Trips scored 75%",
        "High risk 33.3%",
        "Alerts 1 on 1 trip",
        "1 trip without a score: less than 1 km or 120 s of driving that counts",
    ):
        assert expected in text


def test_a_trip_without_a_score_is_in_no_chart_and_never_a_zero(tmp_path: Path) -> None:
    page = written(tmp_path, [score_message(1, 80.0), score_message(2, None, vehicle_id="veh_parked")])
    assert "veh_parked" not in page
    assert "All trips" in text_of(page)
    assert "The one scored trip is of low risk" in text_of(page)


def test_a_trip_whose_speed_is_unknown_is_not_said_to_lack_driving(tmp_path: Path) -> None:
    without_speed = score_message(1, None, distance_km=None, duration_s=720.0)
    without_time = score_message(2, None, distance_km=None, duration_s=None)
    text = text_of(written(tmp_path, [without_speed, without_time]))
    assert "1 trip without a score: the speed is unknown, and so is the distance" in text
    assert "1 trip without a score: less than 1 km or 120 s of driving that counts" in text


def test_without_any_score_the_report_says_so_and_shows_hard_driven_trips(tmp_path: Path) -> None:
    page = written(tmp_path, [score_message(1, None, hard_event_count=1), score_message(2, None)])
    text = text_of(page)
    assert "2 trips without a score: less than 1 km or 120 s of driving that counts" in text
    assert "No trip can be scored yet; this one had the most hard events" in text
    assert "chart-distribution" not in page


def test_nothing_at_all_makes_a_report_too(tmp_path: Path) -> None:
    quality = InputQuality(events=0, rejected=0, rejects_by_code={}, duplicates=0, late=0)
    text = text_of(written(tmp_path, [], events=drive().clear(), quality=quality))
    assert "No events came in" in text
    assert "No driver has driven enough to be rated" in text


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</script><b>"])
def test_a_hostile_id_stays_text(tmp_path: Path, hostile: str) -> None:
    columns = ("trip_id", "vehicle_id", "driver_id", "client_id")
    scores = frame("driver-scores", [score_message(1, 30.0), score_message(2, 80.0)])
    report = write_report(
        tmp_path,
        scores=pl.concat([scores, scores.with_columns(pl.lit(hostile).alias(name) for name in columns)]),
        alerts=pl.DataFrame(),
        profiles=frame("driver-profiles", [profile_message(1, 30.0), profile_message(2, 80.0)]).with_columns(
            driver_id=hostile + pl.col("driver_id")
        ),
        events=drive().with_columns(pl.lit(hostile).alias(name) for name in columns),
        quality=InputQuality(1, 1, {hostile: 1}, 0, 0),
        title=hostile,
    )
    page = report.read_text("utf-8").replace(get_plotlyjs(), "")
    as_json = json.dumps(hostile)[1:-1].replace("<", r"\u003c").replace(">", r"\u003e").replace("/", r"\u002f")
    assert hostile not in page
    assert as_json not in page, "Plotly would read it as markup"
    assert page.count("<script") == page.count("</script>")
    assert "&lt;" in page


def test_drivers_are_ranked_with_their_exposure(tmp_path: Path) -> None:
    profiles = [profile_message(driver, 40.0 + driver) for driver in range(30)]
    changed = profile_message(30, 95.0, previous_score=90.0, distance_km=1234.5, trip_count=77, duration_s=7200)
    text = text_of(written(tmp_path, [score_message(1)], profiles=[*profiles, changed]))
    assert "1 drv_30 Harbor 95 low risk +5.0 77 1,234.5 2.0" in text
    assert "31 drv_0 Harbor 40 high risk first 4 38.0 0.8" in text
    assert "All 31 rated drivers" in text
    assert "5 of 31 rated drivers are in the high-risk band" in text


def test_a_driver_with_too_little_driving_is_not_rated_yet(tmp_path: Path) -> None:
    profiles = [profile_message(1, 80.0), profile_message(2, None, distance_km=3.0, trip_count=1)]
    text = text_of(written(tmp_path, [score_message(1)], profiles=profiles))
    assert "The one rated driver scores 80" in text
    assert re.search(r"1 driver not rated yet: not enough driving .* drv_2 Harbor 1 3\.0 0\.8", text)


def test_a_driver_who_is_not_rated_is_no_dot_in_the_chart(tmp_path: Path) -> None:
    profiles = [profile_message(1, 80.0), profile_message(2, 90.0), profile_message(3, None, distance_km=3.0)]
    page = written(tmp_path, [score_message(1)], profiles=profiles)
    chart = page[page.index('id="chart-drivers"') :]
    assert '"text":["drv_1","drv_2"]' in chart
    assert '"y":[80.0,90.0]' in chart
    assert "Scores of 2 rated drivers" in page


def test_rejects_are_listed_with_what_they_mean(tmp_path: Path) -> None:
    quality = InputQuality(
        events=996, rejected=4, rejects_by_code={"not_json": 1, "illegal_id": 3}, duplicates=7, late=2
    )
    text = text_of(written(tmp_path, [score_message(1)], quality=quality))
    assert "99.6% of the events could be read, 4 could not" in text
    assert re.search(r"illegal_id An id is empty, too long.* 3 not_json The message is not JSON.* 1 ", text)
    assert "Duplicates 7 Late 2" in text


def test_what_did_not_count_as_it_was_sent_is_listed_with_its_reason(tmp_path: Path) -> None:
    quality = InputQuality(
        events=600,
        rejected=0,
        rejects_by_code={},
        duplicates=0,
        late=590,
        faults={("speed_limit_kmh", "placeholder"): 400},
        file_losses=(Loss(2, 602, "rows of the file were dropped", "2 nothing measured"),),
    )
    page = written(tmp_path, [score_message(1)], quality=quality)
    assert "<strong>Events came late</strong>" in page
    text = text_of(page)
    assert "590 of 600 events came late" in text
    assert "Rows of the file were dropped 2 nothing measured 2 602" in text
    assert "Events count without speed_limit_kmh its value is one that stands for unknown 400 600" in text


def test_faults_of_devices_are_listed_by_trip_and_head_the_quality_where_they_concern_most(tmp_path: Path) -> None:
    quality = InputQuality(
        events=600,
        rejected=0,
        rejects_by_code={},
        duplicates=0,
        late=0,
        trips=4,
        device_faults={"sensor_contradicted": 3, "spike": 2},
        late_trips={"expired": 1},
    )
    text = text_of(written(tmp_path, [score_message(1)], quality=quality))
    assert "3 of 4 trips have an acceleration sensor that contradicts the speed" in text
    assert re.search(r"Trips have an acceleration sensor that contradicts the speed it was not used\..* 3 4 ", text)
    assert re.search(r"Trips have a score without their late events Kafka has deleted .* 1 4 ", text)
    assert re.search(r"Events count without their speed no vehicle .* 2 600 ", text)


def test_samples_far_apart_are_said_where_the_score_is_missing(tmp_path: Path) -> None:
    far_apart = drive().with_columns(pl.col("timestamp_ms") + 119_000 * pl.int_range(pl.len()))
    text = text_of(written(tmp_path, [score_message(1, None)], events=far_apart))
    assert "Samples come 120 s apart (median), and over more than 90 s neither time nor distance counts" in text
    assert "trained with DRIVER_SCORE_THRESHOLDS__MAX_SPARSE_GAP_S=240 counts them" in text
    assert "MAX_SPARSE_GAP_S" not in text_of(written(tmp_path, [score_message(1, None)], events=drive()))


def test_clients_and_classes_are_compared_in_the_headings(tmp_path: Path) -> None:
    scores = [score_message(trip, 60.0 + trip % 3) for trip in range(9)]
    scores += [score_message(trip, 90.0, client_id="client_atlas", vehicle_class="truck") for trip in range(9, 18)]
    text = text_of(written(tmp_path, scores))
    assert "Harbor scores lowest: median 61, against 90 of Atlas" in text
    assert "Vans score lowest: median 61, against 90 of Trucks" in text


def test_model_and_thresholds_are_named(tmp_path: Path) -> None:
    text = text_of(written(tmp_path, [score_message(1), score_message(2, model_version="v4")]))
    assert "Model: driver-risk v3, driver-risk v4. Thresholds: default-v2." in text


def test_five_thousand_trips_and_drivers_stay_below_eight_megabytes(tmp_path: Path) -> None:
    one = frame("driver-scores", [score_message(1, 70.0)])
    number = pl.int_range(5000).cast(pl.String)
    scores = pl.concat([one] * 5000).with_columns(
        trip_id="trip_" + number, vehicle_id="veh_" + number, driver_id="drv_" + number, score=pl.int_range(5000) % 100
    )
    profiles = pl.concat([frame("driver-profiles", [profile_message(1, 70.0)])] * 5000)
    report = write_report(
        tmp_path,
        scores=scores,
        alerts=pl.DataFrame(),
        profiles=profiles.with_columns(driver_id="drv_" + number, score=pl.int_range(5000) % 100),
        events=drive(),
        quality=CLEAN,
        title="Large",
    )
    assert report.stat().st_size < 8_000_000
