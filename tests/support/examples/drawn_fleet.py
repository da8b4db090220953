"""A fleet drawn from distributions: feature rows with labels, for tests that need a model and no driving."""

from functools import cache

import numpy as np
import polars as pl

from schemas.features import FEATURE_DEFINITION, FEATURE_NAMES
from schemas.thresholds import ThresholdProfile
from scoring.model import FeatureConditions
from scoring.training import TrainedModel, train_model

LABEL, GROUP, SEED = "conflict", "driver_id", 7
CONDITIONS = FeatureConditions(
    definition=FEATURE_DEFINITION, thresholds=ThresholdProfile(), min_trip_km=0, min_trip_s=0
)

_EVENTS_PER_KM = {"hard_brake_count": 0.10, "hard_acceleration_count": 0.06, "hard_corner_count": 0.05}


def draw_trips(trips: int = 1500, drivers: int = 150, seed: int = SEED) -> pl.DataFrame:
    """Draw trips whose drivers have a style; a fifth has no lateral sensor, a tenth no limits, most no phone use."""
    rng = np.random.default_rng(seed)
    driver = rng.integers(0, drivers, trips)
    style = rng.normal(size=drivers)[driver]
    distance_km = rng.lognormal(2.3, 0.6, trips)
    columns = {name: np.exp(rng.normal(1, 0.3, trips) + 0.3 * style) for name in FEATURE_NAMES}
    columns |= {
        name: np.clip(rng.beta(1, 8, trips) * np.exp(0.4 * style), 0, 1) for name in FEATURE_NAMES if "ratio" in name
    }
    columns |= {
        name: rng.poisson(distance_km * rate * np.exp(0.7 * style)).astype(float)
        for name, rate in _EVENTS_PER_KM.items()
    }
    columns |= {"distance_km": distance_km, "duration_s": distance_km / 35 * 3600}
    without_lateral, without_limit, without_phone = (rng.random(trips) < share for share in (0.2, 0.1, 0.7))
    for name in ("hard_corner_count", "peak_lateral_mps2", "lateral_rms_mps2"):
        columns[name][without_lateral] = np.nan
    for name in FEATURE_NAMES:
        if name.startswith("speeding_ratio"):
            columns[name][without_limit] = np.nan
    columns["phone_use_ratio"][without_phone] = np.nan
    logit = -1.5 + 1.3 * style + rng.normal(0, 0.3, trips)
    return pl.DataFrame(columns).with_columns(
        pl.Series(LABEL, (rng.random(trips) < 1 / (1 + np.exp(-logit))).astype(np.int8)),
        pl.Series(GROUP, [f"drv_{number}" for number in driver]),
    )


@cache
def drawn_model() -> TrainedModel:
    """Train on the drawn fleet, once for all tests."""
    return train_model(
        draw_trips(), label=LABEL, group=GROUP, seed=SEED, name="drawn", version="v1", conditions=CONDITIONS
    )


def feature_matrix(trips: pl.DataFrame) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Take the features of trips as the scorer wants them."""
    return trips.select(FEATURE_NAMES).to_numpy(order="c")


def row(**features: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Make a matrix of one row with these features, the others unknown."""
    return np.array([[features.get(name, np.nan) for name in FEATURE_NAMES]])
