"""Labelled windows of the 100-Car study: ten seconds around a conflict against ten calm seconds before it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from schemas.thresholds import ThresholdProfile
from scoring.errors import InputFileError
from scoring.features.batch import trip_features
from scoring.trip_files import read_trips

WINDOWS_MS: Final[dict[str, tuple[int, int, int]]] = {
    "conflict": (-2_000, 8_000, 1),
    "baseline": (-20_000, -10_000, 0),
}
"""Begin and end after the start of the conflict, and the label."""

MIN_COVERED_MS: Final = 8_000
"""A clip may begin less than 20 s before its conflict: a window of which more than a fifth is missing is left out,
since a shorter one looks calmer for being shorter."""

LABEL: Final = "conflict"
GROUP: Final = "vehicle_id"

_ACCELEROMETER: Final = ("acceleration_mps2", "lateral_acceleration_mps2")
_SYNC_MS: Final = 100
_LABEL_COLUMNS: Final = ("event_id", "sync", "event_start_sync")


@dataclass(frozen=True)
class LabelledWindows:
    """Windows with features and labels, and how many were left out.

    Attributes
    ----------
    windows
        One row a window, as :func:`scoring.features.batch.trip_features` gives them, and the column ``conflict``,
        1 or 0.
    left_out
        Windows of the study that the file covers too little of, or that have no known speed.
    """

    windows: pl.DataFrame
    left_out: int


def read_labelled_windows(
    path: Path, *, speed_only: bool, thresholds: ThresholdProfile | None = None
) -> LabelledWindows:
    """Read the windows of the 100-Car file and compute their features.

    Parameters
    ----------
    path
        The study's events as one Parquet file.
    speed_only
        Whether to ignore the accelerometers, as in a vehicle that has none: accelerations then come from speed.
    thresholds
        Of the features; the default profile where none is given.

    Raises
    ------
    InputFileError
        When the file is not the study's, or lacks the columns of the labels.
    """
    events = read_trips(path, file_format="100car")
    missing = [name for name in _LABEL_COLUMNS if name not in pl.read_parquet_schema(path)]
    if missing:
        raise InputFileError(
            path, f"there is no column {', '.join(missing)}", remedy="Labels need where each conflict begins"
        )
    conflicts = (
        pl.read_parquet(path, columns=list(_LABEL_COLUMNS))
        .group_by("event_id")
        .agg(start_ms=(pl.col("event_start_sync").first() - pl.col("sync").min()) * _SYNC_MS)
        .select(trip_id=pl.format("clip_{}", "event_id"), start_ms=pl.col("start_ms").cast(pl.Int64))
    )
    if speed_only:
        events = events.with_columns(pl.lit(None, dtype=pl.Float32).alias(name) for name in _ACCELEROMETER)
    since_start = pl.col("timestamp_ms") - pl.col("timestamp_ms").min().over("trip_id") - pl.col("start_ms")
    cut = events.join(conflicts, on="trip_id", how="inner").with_columns(since_start_ms=since_start)
    parts = [
        cut.filter(pl.col("since_start_ms").is_between(begin, end, closed="left"))
        .with_columns(trip_id=pl.format("{}.{}", "trip_id", pl.lit(window)))
        .select(events.columns)
        for window, (begin, end, _) in WINDOWS_MS.items()
    ]
    features = trip_features(_covered(pl.concat(parts)), thresholds)
    labels = {window: label for window, (_, _, label) in WINDOWS_MS.items()}
    windows = features.with_columns(
        pl.col("trip_id").str.split(".").list.last().replace_strict(labels, return_dtype=pl.Int8).alias(LABEL)
    ).filter(pl.col("speed_volatility").is_not_nan() & pl.col("speed_volatility").is_not_null())
    return LabelledWindows(windows, left_out=len(WINDOWS_MS) * conflicts.height - windows.height)


def _covered(events: pl.DataFrame) -> pl.DataFrame:
    covered_ms = (pl.col("timestamp_ms").max() - pl.col("timestamp_ms").min()).over("trip_id")
    return events.filter(covered_ms >= MIN_COVERED_MS)
