"""Inputs of the model, derived from the features; with little exposure they are drawn towards the fleet's prior.

Raw counts, distance and duration are not inputs: a driver with more kilometres has more events, not more risk a
kilometre. Counts become rates and shares are smoothed, both by **shrinkage**: as if every trip had been preceded by
``prior_exposure`` of driving at the training fleet's rate. One hard brake in a window of 1 km is then not "100 per
100 km", and a trip's rate grows smoothly into its own. In every input more events still mean a higher value.
"""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from schemas.features import FEATURE_NAMES
from schemas.messages.driver_score import ReasonCode

CAP_QUANTILE: Final = 0.99
"""Inputs are capped at this quantile of training trips: beyond it there are too few trips to learn from."""

EXPOSURE_FEATURES: Final = ("distance_km", "duration_s")
"""Every model needs them: rates and shares are drawn towards the prior by them, and too little is not scored."""

_COLUMN: Final = {name: column for column, name in enumerate(FEATURE_NAMES)}
_DISTANCE_KM, _DURATION_S = (_COLUMN[name] for name in EXPOSURE_FEATURES)

InputKind = Literal["level", "per_100km", "share"]


class InputSpec(BaseModel):
    """One input of the model, before it is fitted to a training fleet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    reason: ReasonCode = Field(description="The factor that this input belongs to")
    kind: InputKind = Field(description="A level as it is, events per 100 km, or a share of the time")
    sources: tuple[str, ...] = Field(min_length=1, description="Features, added up")
    monotone: bool = Field(default=True, description="Whether more of it never lowers the risk")
    unknown_is_none: bool = Field(
        default=False, description="Whether unknown counts as 0: for what is reported only when it happens"
    )
    prior_exposure: float = Field(
        default=0.0, ge=0, description="Weight of the prior: km for per_100km, seconds for share, 0 for a level"
    )


class FittedInput(InputSpec):
    """One input, fitted to a training fleet."""

    prior: float = Field(description="The fleet's events per km, or share of the time; 0 for a level")
    cap: float = Field(description="Higher values count as this one")

    def derive(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the input, shape (n,), NaN where a source is, from features of shape (n, ``len(FEATURE_NAMES)``)."""
        return np.minimum(_derive(self, self.prior, features), self.cap)


def _total(spec: InputSpec, features: NDArray[np.float64]) -> NDArray[np.float64]:
    total = features[:, _COLUMN[spec.sources[0]]]
    for source in spec.sources[1:]:
        total = total + features[:, _COLUMN[source]]
    return np.where(np.isnan(total), 0.0, total) if spec.unknown_is_none else total


def _derive(spec: InputSpec, prior: float, features: NDArray[np.float64]) -> NDArray[np.float64]:
    total, weight = _total(spec, features), spec.prior_exposure
    if spec.kind == "per_100km":
        return 100.0 * (total + weight * prior) / (features[:, _DISTANCE_KM] + weight)
    if spec.kind == "share":
        duration_s = features[:, _DURATION_S]
        return (total * duration_s + weight * prior) / (duration_s + weight)
    return total


PRIOR_DISTANCE_KM: Final = 10.0
"""Weight of the prior in rates per 100 km: about one urban trip. See ``docs/adr/0003-additive-monotone-model.md``."""

PRIOR_DURATION_S: Final = 300.0
"""Weight of the prior in shares of time: a live window of 60 s keeps a sixth of its own value, a trip of
20 minutes four fifths."""


def _rate(name: str, reason: ReasonCode, *sources: str) -> InputSpec:
    return InputSpec(name=name, reason=reason, kind="per_100km", sources=sources, prior_exposure=PRIOR_DISTANCE_KM)


def _share(name: str, reason: ReasonCode, *sources: str, unknown_is_none: bool = False) -> InputSpec:
    return InputSpec(
        name=name,
        reason=reason,
        kind="share",
        sources=sources,
        prior_exposure=PRIOR_DURATION_S,
        unknown_is_none=unknown_is_none,
    )


def _level(reason: ReasonCode, feature: str) -> InputSpec:
    return InputSpec(name=feature, reason=reason, kind="level", sources=(feature,))


TRIP_INPUTS: Final[tuple[InputSpec, ...]] = (
    _rate("hard_brakes_per_100km", "HARD_BRAKING", "hard_brake_count"),
    _level("HARD_BRAKING", "peak_deceleration_mps2"),
    _rate("hard_accelerations_per_100km", "HARD_ACCELERATION", "hard_acceleration_count"),
    _level("HARD_ACCELERATION", "peak_acceleration_mps2"),
    _rate("hard_corners_per_100km", "HARD_CORNERING", "hard_corner_count"),
    _level("HARD_CORNERING", "peak_lateral_mps2"),
    _level("HARD_CORNERING", "lateral_rms_mps2"),
    _share("speeding_share_over_5", "SPEEDING", "speeding_ratio"),
    _share("speeding_share_over_15", "SPEEDING", "speeding_ratio_serious", "speeding_ratio_severe"),
    _share("speeding_share_over_30", "SPEEDING", "speeding_ratio_severe"),
    _level("SPEED_VARIATION", "speed_volatility"),
    _level("JERKY_DRIVING", "jerk_rms_mps3"),
    _level("JERKY_DRIVING", "acceleration_rms_mps2"),
    _share("night_share", "NIGHT_DRIVING", "night_ratio"),
    _share("phone_use_share", "PHONE_USE", "phone_use_ratio", unknown_is_none=True),
)
"""The inputs of a trip's model, all monotone: more of each never lowers the risk.

The speeding tiers are nested (over 5, over 15, over 30 km/h), not side by side: when a trip speeds harder, time
moves from a milder tier to a worse one, and only nested shares all grow with it.

A trip without a report of phone use counts as one without phone use; else the first report could raise a score.
"""


def fit_inputs(features: NDArray[np.float64], specs: Sequence[InputSpec] = TRIP_INPUTS) -> tuple[FittedInput, ...]:
    """Learn priors and caps from a training fleet.

    Inputs whose sensor no training trip has are left out: there is nothing to learn from.

    Parameters
    ----------
    features
        Shape (n, ``len(FEATURE_NAMES)``), NaN where a sensor is missing.
    specs
        The inputs wanted, in order.

    Returns
    -------
    tuple of FittedInput
        In the order of `specs`, shorter where inputs were left out.
    """
    fitted = []
    for spec in specs:
        prior = _prior(spec, features)
        derived = _derive(spec, prior, features)
        reported = np.isfinite(features[:, [_COLUMN[source] for source in spec.sources]]).all(axis=1)
        if not (reported & np.isfinite(derived)).any():
            continue
        cap = float(np.nanquantile(derived, CAP_QUANTILE))
        fitted.append(FittedInput(**spec.model_dump(), prior=prior, cap=cap))
    return tuple(fitted)


def _prior(spec: InputSpec, features: NDArray[np.float64]) -> float:
    """Pool the fleet: all its events over all its km, or its share of all time."""
    if spec.kind == "level":
        return 0.0
    total = _total(spec, features)
    per_km = spec.kind == "per_100km"
    exposure = features[:, _DISTANCE_KM if per_km else _DURATION_S]
    known = np.isfinite(total) & np.isfinite(exposure)
    driven = float(exposure[known].sum())
    if driven <= 0:
        return 0.0
    return float((total[known] if per_km else total[known] * exposure[known]).sum() / driven)


def derive_inputs(features: NDArray[np.float64], inputs: Sequence[FittedInput]) -> NDArray[np.float32]:
    """Compute the model's input matrix, rounded to float32 before training and scoring alike.

    Parameters
    ----------
    features
        Shape (n, ``len(FEATURE_NAMES)``), NaN where a sensor is missing.
    inputs
        The m inputs of the model.

    Returns
    -------
    ndarray of float32
        Shape (n, m), NaN where an input can't be known.
    """
    derived = np.empty((len(features), len(inputs)), dtype=np.float32)
    for column, fitted in enumerate(inputs):
        derived[:, column] = fitted.derive(features)
    return derived
