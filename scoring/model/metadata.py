"""Metadata of a model, ``model.json`` beside the ONNX graph in its folder: all that scoring needs but the trees."""

from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.messages.driver_score import RiskBand
from schemas.thresholds import ThresholdProfile
from scoring.model.inputs import EXPOSURE_FEATURES, FittedInput

DEFAULT_MODEL: Final = Path(__file__).resolve().parents[1] / "default_model"
"""Folder of the default model, which is part of the package."""

GRAPH_FILE: Final = "model.onnx"
METADATA_FILE: Final = "model.json"
CARD_FILE: Final = "card.md"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScoreScaling(_Part):
    """Scorecard scaling: score = offset - points_per_logit * logit(risk), clipped to 0 to 100."""

    offset: float
    points_per_logit: float = Field(gt=0)


class BandLimits(_Part):
    """Scores from which a trip is of low, and of moderate risk; below the second it is of high risk.

    70 and 45: the scaling puts the fleet's median trip at 80 and its riskiest twentieth below 45, so that high
    risk is about one trip in twenty, and low risk most of the fleet.
    """

    low_from: float = 70.0
    moderate_from: float = 45.0

    def band_of(self, score: float) -> RiskBand:
        """Give the band of a score."""
        if score >= self.low_from:
            return "low"
        return "moderate" if score >= self.moderate_from else "high"


class FeatureConditions(_Part):
    """What the features of the training trips were computed with; scored features must be computed likewise.

    Window settings are not among them: they decide when a trip's features are emitted, not what they are.
    """

    definition: int = Field(description="`schemas.features.FEATURE_DEFINITION` in training")
    thresholds: ThresholdProfile
    min_trip_km: float = Field(ge=0, description="Least distance of a training trip")
    min_trip_s: float = Field(ge=0, description="Least duration of a training trip")


FORMAT_1_CONDITIONS: Final = FeatureConditions(
    definition=1, thresholds=ThresholdProfile(name="default", version=1), min_trip_km=1.0, min_trip_s=120.0
)
"""Of every model of format 1: training had no other thresholds and limits than the defaults. (Windows of the 100-Car
study had no limits, which format 1 can't tell.)"""


class TrainingRecord(_Part):
    """Data, settings and results of training."""

    data_sha256: str = Field(description="Hash of features, labels and groups, in order")
    label: str
    group: str
    seed: int
    trips: int
    groups: int
    positives: int
    boosting_rounds: int
    max_leaf_nodes: int
    calibration_slope: float = Field(description="Platt's slope on out-of-fold predictions; 1 is calibrated already")
    max_parity_difference: float = Field(
        description="Largest difference of a risk, ONNX to scikit-learn, over all parity rows"
    )
    parity_rows: int
    versions: dict[str, str] = Field(description="Library versions")


class GoldenRow(_Part):
    """A row of features, null where unknown, and the risk it must give; no real trip, but quantiles of many."""

    features: tuple[float | None, ...]
    risk: float


class ModelMetadata(_Part):
    """Everything about a model but its trees.

    Format 1 had no ``conditions``; it is read as format 2 with `FORMAT_1_CONDITIONS`.
    """

    format_version: Literal[2] = 2
    name: str
    version: str = Field(pattern=r"^v[0-9]+$")
    graph_sha256: str
    feature_names: tuple[str, ...] = Field(description="Columns of the golden rows")
    conditions: FeatureConditions
    inputs: tuple[FittedInput, ...] = Field(min_length=1)
    intercept: float = Field(description="Logit of the risk when all contributions are 0")
    reference_contributions: tuple[float, ...] = Field(description="Of the reference driver, logit, per input")
    scaling: ScoreScaling
    bands: BandLimits
    training: TrainingRecord
    golden_rows: tuple[GoldenRow, ...] = Field(min_length=1)

    @property
    def needed_features(self) -> frozenset[str]:
        """Names of the features that scoring reads: sources of the inputs, and exposure."""
        return frozenset(EXPOSURE_FEATURES).union(*(fitted.sources for fitted in self.inputs))

    @model_validator(mode="before")
    @classmethod
    def _read_format_1(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("format_version") == 1 and "conditions" not in given:
            return {**given, "format_version": 2, "conditions": FORMAT_1_CONDITIONS}
        return given

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if len(self.reference_contributions) != len(self.inputs):
            raise ValueError("there must be one reference contribution for each input")
        if not self.needed_features <= set(self.feature_names):
            raise ValueError("inputs need features that are not among feature_names")
        if any(len(row.features) != len(self.feature_names) for row in self.golden_rows):
            raise ValueError("golden rows must have a value for each of feature_names")
        return self
