import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from schemas.features import FEATURE_NAMES
from schemas.settings import ExposureSettings
from scoring.errors import ModelCorruptError, ModelNotFoundError
from scoring.model import BANDS, ExposureLimits, Scorer
from scoring.model.metadata import GRAPH_FILE, METADATA_FILE
from scoring.training import save
from tests.support.examples.drawn_fleet import draw_trips, drawn_model, feature_matrix, row


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    save(drawn_model(), path)
    return path


@pytest.fixture
def damaged(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "damaged"))


def test_a_saved_model_loads_and_scores_as_it_did_when_it_was_trained(folder: Path) -> None:
    features = feature_matrix(draw_trips(300))
    loaded = Scorer.load(folder)
    before = drawn_model().scorer().score(features, ExposureLimits.of_trips(ExposureSettings()))
    after = loaded.score(features, ExposureLimits.of_trips(ExposureSettings()))

    assert (loaded.name, loaded.version) == ("drawn", "v1")
    np.testing.assert_array_equal(after.score, before.score)
    np.testing.assert_array_equal(after.reason_codes, before.reason_codes)


def test_scores_are_between_0_and_100_with_the_median_at_80_and_the_riskiest_twentieth_at_45(folder: Path) -> None:
    batch = Scorer.load(folder).score(feature_matrix(draw_trips()), ExposureLimits.none())
    assert batch.scored.all()
    assert batch.score.min() >= 0
    assert batch.score.max() <= 100
    assert np.median(batch.score) == pytest.approx(80, abs=0.5)
    assert np.quantile(batch.score, 0.05) == pytest.approx(45, abs=0.5)
    assert ((batch.risk > 0) & (batch.risk < 1)).all()


def test_a_higher_risk_is_never_a_higher_score(folder: Path) -> None:
    batch = Scorer.load(folder).score(feature_matrix(draw_trips()), ExposureLimits.none())
    by_risk = np.argsort(batch.risk, kind="stable")
    assert (np.diff(batch.score[by_risk]) <= 0).all()


@pytest.mark.parametrize(("least", "below", "band"), [(70, 101, "low"), (45, 70, "moderate"), (0, 45, "high")])
def test_bands_follow_the_score(folder: Path, least: float, below: float, band: str) -> None:
    batch = Scorer.load(folder).score(feature_matrix(draw_trips()), ExposureLimits.none())
    inside = (batch.score >= least) & (batch.score < below)
    assert inside.any()
    assert {BANDS[code] for code in batch.band[inside]} == {band}


@pytest.mark.parametrize(
    ("distance_km", "duration_s", "scored"),
    [
        (1.0, 120.0, True),
        (0.999, 3600.0, False),
        (50.0, 119.0, False),
        (np.nan, 3600.0, False),
        (50.0, np.nan, False),
        (0.0, 0.0, False),
    ],
)
def test_too_little_driving_is_not_scored(folder: Path, distance_km: float, duration_s: float, scored: bool) -> None:
    features = row(distance_km=distance_km, duration_s=duration_s, speed_volatility=3.0, hard_brake_count=50)
    batch = Scorer.load(folder).score(features, ExposureLimits.of_trips(ExposureSettings()))
    assert bool(batch.scored[0]) is scored
    assert np.isfinite(batch.risk[0]) == np.isfinite(batch.score[0]) == scored
    assert (batch.band[0] >= 0) is np.bool_(scored)
    assert (batch.reason_codes[0] >= 0).any() == scored
    assert np.isfinite(batch.reason_impacts[0]).any() == scored


def test_windows_need_less_driving_than_trips() -> None:
    minute_at_20_kmh = row(distance_km=0.33, duration_s=60.0)
    assert ExposureLimits.of_windows(ExposureSettings()).reached(minute_at_20_kmh)[0]
    assert not ExposureLimits.of_trips(ExposureSettings()).reached(minute_at_20_kmh)[0]


def test_a_trip_of_which_only_speed_is_known_is_scored(folder: Path) -> None:
    features = row(distance_km=12.0, duration_s=1200.0, speed_volatility=9.0, avg_speed=36.0)
    assert np.isfinite(Scorer.load(folder).score(features, ExposureLimits.of_trips(ExposureSettings())).score[0])


@pytest.mark.parametrize("rows", [0, 1, 5, 4096])
def test_batches_have_any_size(folder: Path, rows: int) -> None:
    features = np.resize(feature_matrix(draw_trips(100)), (rows, len(FEATURE_NAMES)))
    batch = Scorer.load(folder).score(features, ExposureLimits.of_trips(ExposureSettings()))
    assert batch.score.shape == batch.band.shape == (rows,)
    assert batch.reason_codes.shape == batch.reason_impacts.shape == (rows, 3)
    assert batch.band.dtype == batch.reason_codes.dtype == np.dtype(np.int8)


@pytest.mark.parametrize("absent", [GRAPH_FILE, METADATA_FILE])
def test_a_folder_without_one_of_its_files_is_no_model(damaged: Path, absent: str) -> None:
    (damaged / absent).unlink()
    with pytest.raises(ModelNotFoundError, match="no model at"):
        Scorer.load(damaged)


def test_a_changed_graph_is_refused(damaged: Path) -> None:
    graph = bytearray((damaged / GRAPH_FILE).read_bytes())
    graph[len(graph) // 2] ^= 1
    (damaged / GRAPH_FILE).write_bytes(graph)
    with pytest.raises(ModelCorruptError, match=r"model\.onnx is not the file that model\.json describes"):
        Scorer.load(damaged)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"golden_rows": [{"features": [None] * len(FEATURE_NAMES), "risk": 0.9}]}, "golden rows differ by 0"),
        ({"format_version": 3}, "format_version"),
        ({"scaling": {"offset": 1}}, "scaling.points_per_logit"),
        ({"reference_contributions": [0.0]}, "one reference contribution for each input"),
        ({"feature_names": [*FEATURE_NAMES[:-1], "moon_phase"]}, "inputs need features that are not among"),
        ({"golden_rows": [{"features": [None, 1.0], "risk": 0.9}]}, "golden rows must have a value for each"),
    ],
)
def test_metadata_that_do_not_fit_are_refused(damaged: Path, changes: dict[str, object], problem: str) -> None:
    metadata = json.loads((damaged / METADATA_FILE).read_text())
    (damaged / METADATA_FILE).write_text(json.dumps(metadata | changes))
    with pytest.raises(ModelCorruptError, match=problem):
        Scorer.load(damaged)


def test_metadata_that_are_no_json_are_refused(damaged: Path) -> None:
    (damaged / METADATA_FILE).write_text("{")
    with pytest.raises(ModelCorruptError, match=r"model\.json is not a model's metadata"):
        Scorer.load(damaged)


def test_a_graph_that_onnx_runtime_refuses_is_refused(damaged: Path) -> None:

    (damaged / GRAPH_FILE).write_bytes(b"no graph")
    metadata = json.loads((damaged / METADATA_FILE).read_text())
    metadata["graph_sha256"] = hashlib.sha256(b"no graph").hexdigest()
    (damaged / METADATA_FILE).write_text(json.dumps(metadata))
    with pytest.raises(ModelCorruptError, match=r"ONNX Runtime refuses model\.onnx"):
        Scorer.load(damaged)


def test_golden_rows_are_no_trips(folder: Path) -> None:
    trips = {tuple(trip) for trip in feature_matrix(draw_trips()).tolist()}
    golden = Scorer.load(folder).metadata.golden_rows
    assert len(golden) > 5
    assert not trips & {tuple(np.nan if x is None else x for x in one.features) for one in golden}
