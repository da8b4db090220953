"""Whether a model can score the features that are computed here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.features import FEATURE_DEFINITION, FEATURE_NAMES
from schemas.settings import ExposureSettings
from schemas.thresholds import ThresholdProfile
from scoring.errors import ModelMismatchError
from scoring.model.metadata import ModelMetadata

_EXPOSURE_FEATURES = ("distance_km", "duration_s")


def require_known_features(metadata: ModelMetadata, path: Path) -> None:
    """Make sure that all features that the model's inputs need exist, with the meaning that they had in training.

    Their order does not matter, nor do further features.

    Raises
    ------
    ModelMismatchError
        When one is missing, or the definition of the features has changed.
    """
    needed = {source for fitted in metadata.inputs for source in fitted.sources} | {*_EXPOSURE_FEATURES}
    missing = sorted(needed - set(FEATURE_NAMES))
    if missing:
        raise ModelMismatchError(path, f"it needs features that do not exist: {', '.join(missing)}")
    definition = metadata.conditions.definition
    if definition != FEATURE_DEFINITION:
        raise ModelMismatchError(
            path,
            f"it was trained on features of definition {definition}, and they are of definition {FEATURE_DEFINITION}",
        )


def require_same_thresholds(metadata: ModelMetadata, thresholds: ThresholdProfile, path: Path) -> None:
    """Make sure that live features are computed with the thresholds that the model was trained with.

    Raises
    ------
    ModelMismatchError
        When they are not; it names the first differences.
    """
    trained, live = metadata.conditions.thresholds.model_dump(), thresholds.model_dump()
    differences = list(_differences(trained, live))
    if differences:
        more = f" and {len(differences) - 1} more" if len(differences) > 1 else ""
        raise ModelMismatchError(path, f"it was trained with other thresholds: {differences[0]}{more}")


def is_below_training(metadata: ModelMetadata, exposure: ExposureSettings) -> bool:
    """Tell whether trips may be scored that are shorter than all that the model was trained on."""
    conditions = metadata.conditions
    return exposure.min_trip_km < conditions.min_trip_km or exposure.min_trip_s < conditions.min_trip_s


def _differences(trained: dict[str, Any], live: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name in sorted(trained.keys() | live.keys()):
        ours, theirs = trained.get(name), live.get(name)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            yield from _differences(ours, theirs, f"{prefix}{name}.")
        elif ours != theirs:
            yield f"{prefix}{name} is {ours} in the model and {theirs} in the settings"
