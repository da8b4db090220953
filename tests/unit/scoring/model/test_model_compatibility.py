"""Which models fit the features that are computed here: old ones, and those with the same thresholds."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from schemas.settings import ExposureSettings
from schemas.thresholds import HardEventThresholds, ThresholdProfile
from scoring.errors import ModelMismatchError
from scoring.model import DEFAULT_MODEL
from scoring.model.compatibility import is_below_training, require_same_thresholds
from scoring.model.metadata import GRAPH_FILE, METADATA_FILE, ModelMetadata
from scoring.model.scorer import GOLDEN_TOLERANCE, Scorer

FORMAT_1 = Path(__file__).parents[3] / "data" / "model-format-1"
"""The model that was shipped before models said what they were trained with."""

SCORE_WITH_OTHER_FEATURES = """
import sys
from pathlib import Path

import schemas.features

schemas.features.FEATURE_NAMES = tuple(sys.argv[2].split(","))
from scoring.model.scorer import Scorer

print(Scorer.load(Path(sys.argv[1])).golden_difference())
"""


def golden_difference(folder: Path, feature_names: list[str]) -> subprocess.CompletedProcess[str]:
    """Load a model and score its golden rows where the features are these: in a process that never knew others."""
    command = [sys.executable, "-c", SCORE_WITH_OTHER_FEATURES, str(folder), ",".join(feature_names)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def with_metadata(folder: Path, change: dict[str, Any]) -> Path:
    metadata = json.loads((folder / METADATA_FILE).read_text())
    (folder / METADATA_FILE).write_text(json.dumps(metadata | change))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEFAULT_MODEL, tmp_path / "model"))


def test_a_model_of_format_1_loads_and_scores_as_it_did() -> None:
    assert json.loads((FORMAT_1 / METADATA_FILE).read_text())["format_version"] == 1
    scorer = Scorer.load(FORMAT_1)
    assert scorer.golden_difference() <= GOLDEN_TOLERANCE
    require_same_thresholds(scorer.metadata, ThresholdProfile(), FORMAT_1)


def test_the_shipped_model_has_the_graph_that_it_had_in_format_1() -> None:
    assert (DEFAULT_MODEL / GRAPH_FILE).read_bytes() == (FORMAT_1 / GRAPH_FILE).read_bytes()
    old, new = (
        ModelMetadata.model_validate_json((path / METADATA_FILE).read_text()) for path in (FORMAT_1, DEFAULT_MODEL)
    )
    assert new == old.model_copy(update={"format_version": 2})


def test_a_model_scores_the_same_among_more_features_in_another_order() -> None:
    names = list(Scorer.load(DEFAULT_MODEL).metadata.feature_names)
    longer = ["lane_changes_per_100km", *reversed(names), "seat_belt_ratio"]
    scored = golden_difference(DEFAULT_MODEL, longer)
    assert scored.returncode == 0, scored.stderr
    assert float(scored.stdout) <= GOLDEN_TOLERANCE


def test_a_model_whose_feature_is_gone_is_refused_by_its_name() -> None:
    names = [name for name in Scorer.load(DEFAULT_MODEL).metadata.feature_names if name != "jerk_rms_mps3"]
    refused = golden_difference(DEFAULT_MODEL, names)
    assert "ModelMismatchError" in refused.stderr
    assert "it needs features that do not exist: jerk_rms_mps3" in refused.stderr


def test_a_model_whose_features_had_another_meaning_is_refused(folder: Path) -> None:
    conditions = json.loads((folder / METADATA_FILE).read_text())["conditions"]
    with_metadata(folder, {"conditions": conditions | {"definition": 2}})
    with pytest.raises(ModelMismatchError, match="trained on features of definition 2, and they are of definition 1"):
        Scorer.load(folder)


@pytest.mark.parametrize(
    ("settings", "difference"),
    [
        (ThresholdProfile(idle_kmh=5), "idle_kmh is 3.0 in the model and 5.0 in the settings"),
        (ThresholdProfile(version=2), "version is 1 in the model and 2 in the settings"),
        (
            ThresholdProfile(
                hard_events={**ThresholdProfile().hard_events, "car": HardEventThresholds(brake_mps2=3.5)}
            ),
            "hard_events.car.brake_mps2 is 3.0 in the model and 3.5 in the settings",
        ),
        (
            ThresholdProfile(idle_kmh=5, stop_s=20),
            "idle_kmh is 3.0 in the model and 5.0 in the settings and 1 more",
        ),
    ],
)
def test_a_model_of_other_thresholds_is_refused_with_the_difference(
    settings: ThresholdProfile, difference: str
) -> None:
    metadata = Scorer.load(DEFAULT_MODEL).metadata
    with pytest.raises(ModelMismatchError, match="was trained with other thresholds") as refused:
        require_same_thresholds(metadata, settings, DEFAULT_MODEL)
    assert difference in str(refused.value)


@pytest.mark.parametrize(
    ("exposure", "below"),
    [
        (ExposureSettings(), False),
        (ExposureSettings(min_trip_km=5), False),
        (ExposureSettings(min_trip_km=0.5), True),
        (ExposureSettings(min_trip_s=60), True),
    ],
)
def test_trips_shorter_than_those_of_training_are_told(exposure: ExposureSettings, *, below: bool) -> None:
    assert is_below_training(Scorer.load(DEFAULT_MODEL).metadata, exposure) == below


def test_format_1_stands_for_the_default_thresholds_of_its_time() -> None:
    """When the defaults change, their version must too, and `FORMAT_1_CONDITIONS` must then spell the old ones out."""
    assert ThresholdProfile().identity == "default-v1"
