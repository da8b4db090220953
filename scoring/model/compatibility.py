"""Whether a model can score the features that are computed here."""

from pathlib import Path

from schemas.event_frame import VEHICLE_CLASSES
from schemas.features import FEATURE_DEFINITION, FEATURE_NAMES, OLDEST_FEATURE_DEFINITION
from schemas.settings import ExposureSettings
from schemas.thresholds import ThresholdProfile
from scoring.errors import ModelFeaturesError, ModelThresholdsError
from scoring.model.metadata import ModelMetadata


def require_known_features(metadata: ModelMetadata, path: Path) -> None:
    """Make sure that all features that the model's inputs need exist, and mean what they meant in training.

    Their order does not matter, nor do further features.

    Raises
    ------
    ModelFeaturesError
        When one is missing, or the model was trained on a definition that is too old, or not known here.
    """
    missing = sorted(metadata.needed_features - set(FEATURE_NAMES))
    if missing:
        raise ModelFeaturesError(path, f"it needs features that do not exist: {', '.join(missing)}")
    definition = metadata.conditions.definition
    if not OLDEST_FEATURE_DEFINITION <= definition <= FEATURE_DEFINITION:
        raise ModelFeaturesError(
            path, f"it was trained on features of definition {definition}, and they are of {FEATURE_DEFINITION} now"
        )


def require_same_thresholds(metadata: ModelMetadata, thresholds: ThresholdProfile, path: Path) -> None:
    """Make sure that features are computed with the thresholds that the model was trained with.

    Raises
    ------
    ModelThresholdsError
        When they are not; it names the first differences.
    """
    trained, given = (_numbers(profile) for profile in (metadata.conditions.thresholds, thresholds))
    differences = [
        f"DRIVER_SCORE_THRESHOLDS__{name} is {given[name]}, and was {number} in training"
        for name, number in trained.items()
        if given[name] != number
    ]
    if differences:
        raise ModelThresholdsError(path, differences)


def scores_below_training(metadata: ModelMetadata, exposure: ExposureSettings) -> bool:
    """Tell whether trips may be scored that are shorter than all that the model was trained on."""
    conditions = metadata.conditions
    return exposure.min_trip_km < conditions.min_trip_km or exposure.min_trip_s < conditions.min_trip_s


def _numbers(profile: ThresholdProfile) -> dict[str, object]:
    """Give the numbers of a profile by the environment variables that set them, without their common prefix.

    Name and version only label the numbers: an operator may label the same numbers otherwise.
    """
    numbers: dict[str, object] = {
        f"HARD_EVENTS__{vehicle_class}__{name}".upper(): number
        for vehicle_class in VEHICLE_CLASSES
        for name, number in profile.hard_events_of(vehicle_class).model_dump().items()
    }
    others = profile.model_dump(mode="json", exclude={"name", "version", "hard_events"})
    return numbers | {name.upper(): number for name, number in others.items()}
