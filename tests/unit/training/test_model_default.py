"""The default model is the one that the simulated fleet, the code and the seed make."""

import json
import re
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from pipelines import DEFAULT_SEED
from pipelines.train import LabelledTrips, simulated_trips
from schemas.features import FEATURE_DEFINITION, FEATURE_NAMES
from schemas.settings import ExposureSettings
from scoring.model import BANDS, DEFAULT_MODEL, ExposureLimits, Scorer
from scoring.model.metadata import CARD_FILE, GRAPH_FILE, METADATA_FILE
from scoring.training import TrainedModel, Validation, save, train_model
from scoring.training.card import model_card
from scoring.training.validation import Discrimination, Interval

FEATURES = {2: "b2777ecfed2c19610836aa186ebc6123b331d9c04ee6ceca390e8dfb675c5a94"}
"""Hash of the simulated fleet's training table, by the definition of the features."""
LIBRARIES = ("numpy", "onnx", "scikit-learn")
VALIDATED = "Performance on held-out groups"


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


def test_other_features_of_the_same_fleet_have_a_new_definition(trips: LabelledTrips) -> None:
    assert FEATURE_DEFINITION in FEATURES, "add the hash of the simulated fleet's features by this definition"
    assert trips.table().sha256() == FEATURES[FEATURE_DEFINITION], (
        "the features of the simulated fleet changed: raise FEATURE_DEFINITION where features have another meaning, "
        "or replace the hash where the fleet was simulated again"
    )


def test_retraining_reproduces_its_risks(trips: LabelledTrips, retrained: TrainedModel) -> None:
    features = trips.rows.select(FEATURE_NAMES).to_numpy(order="c")
    before = Scorer.load(DEFAULT_MODEL).score(features, ExposureLimits.none())
    after = retrained.scorer().score(features, ExposureLimits.none())
    assert np.isfinite(before.risk).all()
    assert np.isfinite(before.score).all()
    assert np.unique(before.risk).size > 1000
    np.testing.assert_allclose(after.risk, before.risk, rtol=0, atol=1e-6)
    np.testing.assert_allclose(after.score, before.score, rtol=0, atol=1e-3)


def test_with_the_same_library_versions_retraining_reproduces_its_bytes(
    retrained: TrainedModel, tmp_path: Path
) -> None:
    versions = json.loads((DEFAULT_MODEL / METADATA_FILE).read_text())["training"]["versions"]
    assert versions == {library: version(library) for library in LIBRARIES}, "train the default model again"
    save(retrained, tmp_path)
    for file in (GRAPH_FILE, METADATA_FILE):
        assert (tmp_path / file).read_bytes() == (DEFAULT_MODEL / file).read_bytes()


def test_its_card_is_of_this_model(trips: LabelledTrips, retrained: TrainedModel) -> None:
    # All but the results of cross-validation, which takes minutes.
    unknown = Discrimination("any", Interval(0.5, 0.4, 0.6), 0.0, 0.0)
    validation = Validation(0, 0, 0, (), unknown, (), ())
    expected = sections(model_card(retrained, validation, trips.provenance))
    found = sections((DEFAULT_MODEL / CARD_FILE).read_text())
    assert found.keys() == expected.keys() > {VALIDATED}
    assert {title for title, text in found.items() if text != expected[title]} <= {VALIDATED}


def sections(card: str) -> dict[str, str]:
    """Return the text below each heading."""
    return dict(part.split("\n", 1) for part in re.split(r"^#+ ", card, flags=re.MULTILINE)[1:])


def test_about_one_trip_in_twenty_is_of_high_risk(trips: LabelledTrips) -> None:
    features = trips.rows.select(FEATURE_NAMES).to_numpy(order="c")
    batch = Scorer.load(DEFAULT_MODEL).score(features, ExposureLimits.of_trips(ExposureSettings()))
    assert np.mean(batch.band == BANDS.index("high")) == pytest.approx(0.05, abs=0.01)
    assert np.median(batch.score) == pytest.approx(80, abs=1)
