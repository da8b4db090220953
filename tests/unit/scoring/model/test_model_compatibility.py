"""Which models fit the features that are computed here: old ones, and those with the same thresholds."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from schemas.features import FEATURE_DEFINITION, OLDEST_FEATURE_DEFINITION
from schemas.settings import ExposureSettings
from schemas.thresholds import HardEventThresholds, ThresholdProfile
from scoring.errors import ModelCorruptError, ModelFeaturesError, ModelThresholdsError
from scoring.model import DEFAULT_MODEL, FeatureConditions, Scorer, scores_below_training
from scoring.model.metadata import FORMAT_1_CONDITIONS, METADATA_FILE
from scoring.model.scorer import GOLDEN_TOLERANCE

FORMAT_1 = Path(__file__).parents[3] / "data" / "model-format-1"
"""The model that was shipped before models said what they were trained with."""

SCORE_WITH_OTHER_FEATURES = """
import sys
from pathlib import Path

import schemas.features

schemas.features.FEATURE_NAMES = tuple(sys.argv[2].split(","))
from scoring.model import Scorer

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
    scorer = Scorer.load(FORMAT_1, thresholds=ThresholdProfile())
    assert scorer.golden_difference() <= GOLDEN_TOLERANCE


def test_a_model_of_format_1_has_the_thresholds_and_exposure_limits_of_its_time() -> None:
    """Changed defaults need a new version of the profile; `FORMAT_1_CONDITIONS` must then list the old numbers."""
    conditions = FeatureConditions.model_validate_json((FORMAT_1 / "conditions.json").read_text())
    assert conditions == FORMAT_1_CONDITIONS
    assert conditions.thresholds == ThresholdProfile(version=1)


@pytest.mark.parametrize("format_version", [None, 2])
def test_a_model_that_does_not_name_its_conditions_is_refused(folder: Path, format_version: int | None) -> None:
    metadata = json.loads((folder / METADATA_FILE).read_text())
    del metadata["conditions"], metadata["format_version"]
    version = {} if format_version is None else {"format_version": format_version}
    (folder / METADATA_FILE).write_text(json.dumps(metadata | version))
    with pytest.raises(ModelCorruptError, match="conditions: Field required"):
        Scorer.load(folder)


def test_a_model_scores_the_same_among_more_features_in_another_order() -> None:
    names = list(Scorer.load(DEFAULT_MODEL).metadata.feature_names)
    longer = ["lane_changes_per_100km", *reversed(names), "seat_belt_ratio"]
    scored = golden_difference(DEFAULT_MODEL, longer)
    assert scored.returncode == 0, scored.stderr
    assert float(scored.stdout) <= GOLDEN_TOLERANCE


def test_a_model_whose_feature_is_gone_is_refused_by_its_name() -> None:
    names = [name for name in Scorer.load(DEFAULT_MODEL).metadata.feature_names if name != "jerk_rms_mps3"]
    refused = golden_difference(DEFAULT_MODEL, names)
    assert "ModelFeaturesError" in refused.stderr
    assert "it needs features that do not exist: jerk_rms_mps3" in refused.stderr


def test_a_model_does_not_need_features_that_none_of_its_inputs_has() -> None:
    unused = {"stop_count", "avg_speed"}
    names = [name for name in Scorer.load(DEFAULT_MODEL).metadata.feature_names if name not in unused]
    scored = golden_difference(DEFAULT_MODEL, names)
    assert scored.returncode == 0, scored.stderr
    assert float(scored.stdout) <= GOLDEN_TOLERANCE


@pytest.mark.parametrize("definition", [OLDEST_FEATURE_DEFINITION - 1, FEATURE_DEFINITION + 1])
def test_a_model_whose_features_had_another_meaning_is_refused(folder: Path, definition: int) -> None:
    conditions = json.loads((folder / METADATA_FILE).read_text())["conditions"]
    with_metadata(folder, {"conditions": conditions | {"definition": definition}})
    with pytest.raises(ModelFeaturesError, match=f"trained on features of definition {definition}, and they are of "):
        Scorer.load(folder)


DEFAULTS = ThresholdProfile().hard_events
IDLE = "DRIVER_SCORE_THRESHOLDS__IDLE_KMH is 5.0, and was 3.0 in training"


@pytest.mark.parametrize(
    ("thresholds", "differences"),
    [
        (ThresholdProfile(idle_kmh=5), f"{IDLE}. Set"),
        (
            ThresholdProfile(speeding_kmh=(3, 10, 20)),
            "DRIVER_SCORE_THRESHOLDS__SPEEDING_KMH is [3.0, 10.0, 20.0], and was [5.0, 15.0, 30.0] in training. Set",
        ),
        (
            ThresholdProfile(hard_events={**DEFAULTS, "car": HardEventThresholds(brake_mps2=3.5)}),
            "DRIVER_SCORE_THRESHOLDS__HARD_EVENTS__CAR__BRAKE_MPS2 is 3.5, and was 3.0 in training. Set",
        ),
        (ThresholdProfile(hard_events={}), "DRIVER_SCORE_THRESHOLDS__HARD_EVENTS__VAN__BRAKE_MPS2 is 3.0, and was 2.9"),
        (
            ThresholdProfile(max_gap_s=5, idle_kmh=5, stop_s=20, moving_kmh=11, night_from_hour=22),
            "; and 2 more. Set",
        ),
    ],
)
def test_a_model_of_other_thresholds_is_refused_with_the_differences(
    thresholds: ThresholdProfile, differences: str
) -> None:
    with pytest.raises(ModelThresholdsError, match="was trained with other thresholds: ") as refused:
        Scorer.load(DEFAULT_MODEL, thresholds=thresholds)
    assert differences in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "thresholds",
    [
        ThresholdProfile(name="fleet", version=7),
        ThresholdProfile(
            hard_events={name: hard for name, hard in ThresholdProfile().hard_events.items() if name != "car"}
        ),
    ],
    ids=["another label", "a class by default"],
)
def test_the_same_thresholds_by_another_label_are_no_difference(thresholds: ThresholdProfile) -> None:
    Scorer.load(DEFAULT_MODEL, thresholds=thresholds)


@pytest.mark.parametrize(
    ("exposure", "below"),
    [
        (ExposureSettings(), False),
        (ExposureSettings(min_trip_km=5), False),
        (ExposureSettings(min_trip_km=0.5), True),
        (ExposureSettings(min_trip_s=60), True),
    ],
)
def test_limits_below_those_of_training_are_noticed(exposure: ExposureSettings, *, below: bool) -> None:
    assert scores_below_training(Scorer.load(DEFAULT_MODEL).metadata, exposure) == below
