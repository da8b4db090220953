"""From files to models: labels beside a fleet, a user's own labels, and the windows of the 100-Car study."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines import provenance
from pipelines.labelled_windows import read_labelled_windows
from pipelines.train import (
    DEFAULT_FEATURE_SETTINGS,
    FeatureSettings,
    LabelledTrips,
    join_labels,
    own_trips,
    study_windows,
    train_and_save,
)
from pipelines.validation_report import BARS, write_validation_report
from schemas.event_frame import EVENT_SCHEMA
from schemas.features import FEATURE_NAMES
from schemas.settings import ExposureSettings
from schemas.thresholds import ThresholdProfile
from scoring.errors import InputFileError, TrainingError
from scoring.model import ExposureLimits, Scorer
from tests.support.examples.drawn_fleet import draw_trips

START_SYNC = 300


def write_clips(path: Path, clips: int = 4, *, first_sync: int = 0, vehicles: int = 2) -> None:
    """Write clips of 45 s at 10 Hz: constant speed, and a brake to a standstill 1 s after the conflict starts."""
    frames = []
    for clip in range(clips):
        sync = np.arange(first_sync, 450)
        braking_s = np.clip(sync / 10 - START_SYNC / 10 - 1, 0, 5)
        frames.append(
            pl.DataFrame(
                {
                    "event_id": np.full(len(sync), 8300 + clip),
                    "vehicle": f"{clip % vehicles}",
                    "driver": ".",
                    "sync": sync,
                    "time_s": sync / 10.0,
                    "speed_mph": (35.0 + clip) * (1 - braking_s / 5),
                    "accel_long_g": np.where((braking_s > 0) & (braking_s < 5), -0.35, 0.0),
                    "accel_lat_g": np.zeros(len(sync)),
                    "event_start_sync": np.full(len(sync), START_SYNC),
                    "event_end_sync": np.full(len(sync), START_SYNC + 50),
                    "severity": "Near-Crash",
                }
            )
        )
    pl.concat(frames).write_parquet(path)


@pytest.mark.parametrize("speed_only", [True, False])
def test_a_clip_gives_a_conflict_window_and_a_calm_one(tmp_path: Path, speed_only: bool) -> None:
    write_clips(tmp_path / "clips.parquet")
    found = read_labelled_windows(tmp_path / "clips.parquet", speed_only=speed_only)

    assert found.left_out == 0
    conflicts = found.windows.filter(pl.col("conflict") == 1)
    calm = found.windows.filter(pl.col("conflict") == 0)
    assert conflicts.height == calm.height == 4
    assert set(found.windows["vehicle_id"]) == {"veh_0", "veh_1"}
    assert conflicts["duration_s"].to_list() == pytest.approx([9.9] * 4)
    assert (conflicts["speed_volatility"] > 10).all()
    assert (calm["speed_volatility"] < 0.1).all()
    assert (conflicts["hard_brake_count"] == 1).all()
    assert (calm["hard_brake_count"] == 0).all()
    assert found.windows["peak_lateral_mps2"].is_nan().all() == speed_only
    peak = (35 * 1.609344 / 3.6) / 5 if speed_only else 0.35 * 9.80665
    assert conflicts["peak_deceleration_mps2"].min() == pytest.approx(peak, rel=0.02)


def test_a_window_that_the_clip_hardly_covers_is_left_out(tmp_path: Path) -> None:
    write_clips(tmp_path / "clips.parquet", first_sync=150)
    found = read_labelled_windows(tmp_path / "clips.parquet", speed_only=True)
    assert found.windows["conflict"].to_list() == [1] * 4
    assert found.left_out == 4


def test_windows_of_other_files_are_refused(tmp_path: Path) -> None:
    write_clips(tmp_path / "clips.parquet")
    clips = pl.read_parquet(tmp_path / "clips.parquet")
    clips.drop("event_start_sync").write_parquet(tmp_path / "unlabelled.parquet")
    with pytest.raises(InputFileError, match="no column event_start_sync"):
        read_labelled_windows(tmp_path / "unlabelled.parquet", speed_only=True)


def test_two_vehicles_are_too_few_to_train_on(tmp_path: Path) -> None:
    write_clips(tmp_path / "clips.parquet")
    trips = study_windows(tmp_path / "clips.parquet", speed_only=True)
    with pytest.raises(TrainingError, match="8 trips, at least 200"):
        train_and_save(trips, tmp_path / "model", name="x", version="v1")
    assert not (tmp_path / "model").exists()


def ten_minutes_of(trip: int) -> pl.DataFrame:
    speed_kmh = 40 + 10 * np.sin(np.arange(600) / (5 + trip))
    return pl.DataFrame(
        {
            "trip_id": f"t{trip}",
            "vehicle_id": "v",
            "driver_id": f"d{trip % 2}",
            "client_id": "c",
            "vehicle_class": "car",
            "timestamp_ms": 1_700_000_000_000 + trip * 10_000_000 + np.arange(600) * 1000,
            "event_type": "sample",
            "speed_kmh": speed_kmh,
        }
    )


def own_files(folder: Path, labels: pl.DataFrame, name: str) -> tuple[Path, Path]:
    events = pl.concat([ten_minutes_of(trip) for trip in range(3)])
    empty = pl.DataFrame(schema=EVENT_SCHEMA)
    pl.concat([empty, events.cast({"speed_kmh": pl.Float32})], how="diagonal").write_parquet(folder / "fleet.parquet")
    write = labels.write_csv if name.endswith(".csv") else labels.write_parquet
    write(folder / name)
    return folder / "fleet.parquet", folder / name


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
def test_own_labels_are_joined_by_vehicle_and_trip(tmp_path: Path, name: str) -> None:
    labels = pl.DataFrame(
        {"vehicle_id": ["v", "v", "other"], "trip_id": ["t2", "t0", "t1"], "claim": [True, False, True]}
    )
    events, path = own_files(tmp_path, labels.cast({"claim": pl.Int8}), name)
    trips = own_trips(events, path, file_format="fleet", label="claim", group="driver_id")
    assert trips.rows.select("trip_id", "claim").rows() == [("t0", 0), ("t2", 1)]
    assert "--label claim --group driver_id" in trips.provenance.command


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        (pl.DataFrame({"trip_id": ["t0"], "claim": [1]}), "no column vehicle_id"),
        (pl.DataFrame({"vehicle_id": ["v"], "trip_id": ["t9"], "claim": [1]}), "no labelled trip has events"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, labels: pl.DataFrame, problem: str) -> None:
    events, path = own_files(tmp_path, labels, "labels.csv")
    with pytest.raises(InputFileError, match=problem):
        own_trips(events, path, file_format="fleet", label="claim", group="driver_id")


def test_features_are_those_of_the_settings_and_the_model_keeps_them(tmp_path: Path) -> None:
    labels = pl.DataFrame({"vehicle_id": ["v"], "trip_id": ["t0"], "claim": [1]})
    events, path = own_files(tmp_path, labels, "labels.csv")
    strict = ThresholdProfile(name="strict", idle_kmh=300)
    settings = FeatureSettings(strict, ExposureSettings(min_trip_km=0, min_trip_s=5))
    trips = own_trips(events, path, file_format="fleet", label="claim", group="driver_id", settings=settings)
    assert trips.rows["idle_ratio"].to_list() == [1.0], "every speed is idle with these thresholds"
    assert (trips.conditions.thresholds, trips.conditions.min_trip_s) == (strict, 5)


def test_labels_that_are_absent_are_missed(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="there is no such file"):
        join_labels(pl.DataFrame(), tmp_path / "labels.csv")


def test_trips_with_too_little_driving_are_not_trained_on(tmp_path: Path) -> None:
    features = pl.DataFrame({name: [1.0, 50.0] for name in FEATURE_NAMES}).with_columns(
        duration_s=pl.lit(600.0),
        distance_km=pl.Series([0.5, 5.0]),
        vehicle_id=pl.lit("v"),
        trip_id=pl.Series(["a", "b"]),
    )
    pl.DataFrame({"vehicle_id": ["v", "v"], "trip_id": ["a", "b"], "conflict": [True, False]}).write_parquet(
        tmp_path / "labels.parquet"
    )
    assert join_labels(features, tmp_path / "labels.parquet")["trip_id"].to_list() == ["b"]


def test_training_leaves_a_model_that_loads_and_a_card(tmp_path: Path) -> None:
    trips = LabelledTrips(
        draw_trips(600, 60),
        "conflict",
        "driver_id",
        DEFAULT_FEATURE_SETTINGS.conditions(),
        provenance.of_simulated_fleet("driver-score train"),
    )
    reported: list[str] = []
    trained, validation = train_and_save(trips, tmp_path / "model", name="mine", version="v3", report=reported.append)

    scorer = Scorer.load(tmp_path / "model")
    assert (scorer.name, scorer.version) == ("mine", "v3")
    features = draw_trips(20).select(FEATURE_NAMES).to_numpy()
    np.testing.assert_array_equal(
        scorer.score(features, ExposureLimits.of_trips(ExposureSettings())).score,
        trained.scorer().score(features, ExposureLimits.of_trips(ExposureSettings())).score,
    )
    assert str(validation.model.auc) in (tmp_path / "model" / "card.md").read_text()
    assert reported == ["validating on held-out groups", "training on all trips"]


@pytest.mark.real_data
def test_the_report_shows_that_real_conflicts_differ_from_calm_driving(shared_data: Path, tmp_path: Path) -> None:
    validations = write_validation_report(tmp_path / "validation.md", study=shared_data / "100car.parquet")
    for section, bar in BARS.items():
        assert validations[section].model.auc.estimate >= bar
        assert validations[section].groups > 60
    written = (Path(__file__).parents[3] / "docs" / "validation.md").read_text()
    assert (tmp_path / "validation.md").read_text() == written, "write docs/validation.md again"
