"""The default model is the one that the simulated fleet, the code and the seed make."""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from pipelines import DEFAULT_SEED
from pipelines.train import LabelledTrips, simulated_trips
from schemas.features import FEATURE_NAMES
from schemas.settings import ExposureSettings
from scoring.model import DEFAULT_MODEL
from scoring.model.exposure import ExposureLimits
from scoring.model.metadata import CARD_FILE, GRAPH_FILE, METADATA_FILE
from scoring.model.scorer import BANDS, Scorer
from scoring.training.train import TrainedModel, save, train_model


@pytest.fixture(scope="module")
def trips() -> LabelledTrips:
    return simulated_trips()


@pytest.fixture(scope="module")
def retrained(trips: LabelledTrips) -> TrainedModel:
    default = Scorer.load(DEFAULT_MODEL)
    return train_model(
        trips.rows,
        label=trips.label,
        group=trips.group,
        seed=DEFAULT_SEED,
        name=default.name,
        version=default.version,
        conditions=trips.conditions,
    )


def test_it_was_trained_on_at_least_5000_trips_of_500_drivers(trips: LabelledTrips) -> None:
    record = Scorer.load(DEFAULT_MODEL).metadata.training
    assert record.seed == DEFAULT_SEED
    assert record.groups == trips.rows["driver_id"].n_unique() >= 500
    assert record.trips == trips.rows.height >= 0.95 * 5000


def test_retraining_reproduces_its_risks(trips: LabelledTrips, retrained: TrainedModel) -> None:
    features = trips.rows.select(FEATURE_NAMES).to_numpy(order="c")
    before = Scorer.load(DEFAULT_MODEL).score(features, ExposureLimits.none())
    after = retrained.scorer().score(features, ExposureLimits.none())
    np.testing.assert_allclose(after.risk, before.risk, rtol=0, atol=1e-6)
    np.testing.assert_allclose(after.score, before.score, rtol=0, atol=1e-3)


def test_with_the_same_library_versions_retraining_reproduces_its_bytes(
    retrained: TrainedModel, tmp_path: Path
) -> None:
    versions = json.loads((DEFAULT_MODEL / METADATA_FILE).read_text())["training"]["versions"]
    assert versions == {library: version(library) for library in versions}, "train the default model again"
    save(retrained, tmp_path)
    for file in (GRAPH_FILE, METADATA_FILE):
        assert (tmp_path / file).read_bytes() == (DEFAULT_MODEL / file).read_bytes()


def test_its_card_is_of_this_model() -> None:
    metadata = Scorer.load(DEFAULT_MODEL).metadata
    card = (DEFAULT_MODEL / CARD_FILE).read_text()
    assert metadata.training.data_sha256 in card
    assert f"# Model card: {metadata.name} {metadata.version}" in card


def test_about_one_trip_in_twenty_is_of_high_risk(trips: LabelledTrips) -> None:
    features = trips.rows.select(FEATURE_NAMES).to_numpy(order="c")
    batch = Scorer.load(DEFAULT_MODEL).score(features, ExposureLimits.of_trips(ExposureSettings()))
    assert np.mean(batch.band == BANDS.index("high")) == pytest.approx(0.05, abs=0.01)
    assert np.median(batch.score) == pytest.approx(80, abs=1)
