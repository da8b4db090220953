"""The training table: features, labels and groups of trips, checked before anything is learned of them."""

import hashlib
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.features import FEATURE_NAMES
from scoring.errors import TrainingError

MIN_TRIPS: Final = 200
"""Fewer trips leave fewer than 40 to judge on in each of five folds."""

MIN_PER_CLASS: Final = 20
"""Fewer conflicts (or trips without) leave fewer than 4 a fold: their AUC is a coin toss."""

MIN_GROUPS: Final = 10
"""Two drivers per fold: with fewer, a fold measures one person's style."""


@dataclass(frozen=True)
class TrainingTable:
    """What a model learns from.

    Attributes
    ----------
    features
        Shape (n, ``len(FEATURE_NAMES)``), NaN where a sensor is missing.
    labels
        Shape (n,), int8: 1 for a trip with a conflict.
    groups
        Shape (n,): the driver or vehicle; rows of one group are never on both sides of a split.
    """

    features: NDArray[np.float64]
    labels: NDArray[np.int8]
    groups: NDArray[np.str_]

    @classmethod
    def from_frame(cls, trips: pl.DataFrame, *, label: str, group: str) -> Self:
        """Read the table out of a frame with all feature columns, a label column and a group column.

        Raises
        ------
        TrainingError
            When columns are missing, labels or groups are null, or there is too little to learn from.
        """
        missing = [name for name in (*FEATURE_NAMES, label, group) if name not in trips.columns]
        if missing:
            raise TrainingError(
                f"the trips have no column {', '.join(missing)}", remedy="Compute features and join the labels first"
            )
        unlabelled = trips.select(pl.any_horizontal(pl.col(label, group).is_null()).sum()).item()
        if unlabelled:
            raise TrainingError(
                f"{unlabelled} trips have no {label} or no {group}", remedy="Leave out trips that nobody labelled"
            )
        return cls(
            features=trips.select(pl.col(FEATURE_NAMES).cast(pl.Float64).fill_null(np.nan)).to_numpy(order="c"),
            labels=trips[label].cast(pl.Int8).to_numpy(),
            groups=trips[group].cast(pl.String).to_numpy().astype(np.str_),
        )

    def check_sufficient(self) -> None:
        """Make sure that there is enough to learn from.

        Raises
        ------
        TrainingError
            When there are too few trips, groups, or trips of either label.
        """
        positives = int(self.labels.sum())
        for found, least, what in (
            (len(self.labels), MIN_TRIPS, "trips"),
            (positives, MIN_PER_CLASS, "trips with a conflict"),
            (len(self.labels) - positives, MIN_PER_CLASS, "trips without a conflict"),
            (len(np.unique(self.groups)), MIN_GROUPS, "groups (drivers or vehicles)"),
        ):
            if found < least:
                raise TrainingError(
                    f"{found} {what}, at least {least} are needed", remedy="Collect more labelled trips"
                )

    def rows(self, chosen: NDArray[np.int64]) -> "TrainingTable":
        """Take rows by their positions."""
        return TrainingTable(self.features[chosen], self.labels[chosen], self.groups[chosen])

    def sha256(self) -> str:
        """Hash features, labels and groups, in order; all NaN are one NaN."""
        digest = hashlib.sha256()
        digest.update(np.where(np.isnan(self.features), np.nan, self.features).astype("<f8").tobytes())
        digest.update(self.labels.tobytes())
        digest.update("\n".join(self.groups.tolist()).encode())
        return digest.hexdigest()
