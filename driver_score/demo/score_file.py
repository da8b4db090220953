"""The final scores of trips as a file: CSV, JSON lines or Parquet, by its name."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl

from schemas.errors import SettingsError
from schemas.features import WindowedFeatures
from schemas.messages.driver_score import DriverScore

_WRITERS: Final[dict[str, Callable[[pl.DataFrame, Path], object]]] = {
    ".csv": lambda scores, path: scores.write_csv(path),
    ".jsonl": lambda scores, path: scores.write_ndjson(path),
    ".ndjson": lambda scores, path: scores.write_ndjson(path),
    ".parquet": lambda scores, path: scores.write_parquet(path),
}


def check_score_path(path: Path) -> None:
    """Refuse a file whose name tells no format.

    Raises
    ------
    SettingsError
        If its suffix is unknown, or its folder does not exist.
    """
    if path.suffix.lower() not in _WRITERS:
        raise SettingsError("scores", f"`{path}` tells no format", remedy=f"End it in {', '.join(_WRITERS)}.")
    if not path.parent.is_dir():
        raise SettingsError("scores", f"there is no folder `{path.parent}`", remedy="Create it, or choose another.")


def write_scores(path: Path, scores: pl.DataFrame) -> int:
    """Write one row a trip and model: ids, score, band and reasons, then features, as on ``driver-scores``.

    Parameters
    ----------
    path
        As `check_score_path` accepts it.
    scores
        Messages of ``driver-scores``, as rows; of those of one trip, the highest revision is written.

    Returns
    -------
    Rows written.
    """
    key = ["vehicle_id", "trip_id", "model_role"]
    final = scores
    if not scores.is_empty():
        trips = scores.filter(pl.col("kind") == "trip").sort(*key, "revision")
        final = trips.unique(key, keep="last", maintain_order=True).sort("window_start", *key)
        features = WindowedFeatures.model_fields
        names = [*(name for name in DriverScore.model_fields if name not in features), *features]
        columns = [name for name in names if name in final.columns]
        final = final.select(*columns, pl.exclude(columns))
    _WRITERS[path.suffix.lower()](final, path)
    return final.height
