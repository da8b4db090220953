import json
from pathlib import Path

import polars as pl
import pytest

from driver_score.demo.score_file import check_score_path, write_scores
from schemas.errors import SettingsError


def scores() -> pl.DataFrame:
    rows = [
        (kind, trip, revision, score, f"2026-03-02T07:{minute}:00Z")
        for kind, trip, revision, score, minute in [
            ("window", "a", 0, 90.0, 10),
            ("trip", "b", 0, 80.0, 20),
            ("trip", "a", 0, 50.0, 10),
            ("trip", "a", 1, 60.0, 10),
        ]
    ]
    frame = pl.DataFrame(rows, schema=["kind", "trip_id", "revision", "score", "window_start"], orient="row")
    return frame.with_columns(vehicle_id=pl.lit("veh_1"), model_role=pl.lit("champion"), distance_km=pl.lit(1.5))


@pytest.mark.parametrize("name", ["scores.csv", "scores.jsonl", "scores.parquet", "SCORES.CSV"])
def test_each_trips_last_score_is_a_row(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert write_scores(path, scores()) == 2
    if name.endswith(".jsonl"):
        written = pl.DataFrame([json.loads(line) for line in path.read_text().splitlines()])
    else:
        written = pl.read_parquet(path) if name.endswith(".parquet") else pl.read_csv(path)
    assert written.select("trip_id", "revision", "score", "distance_km").rows() == [
        ("a", 1, 60.0, 1.5),
        ("b", 0, 80.0, 1.5),
    ]
    assert written.columns[:3] == ["revision", "kind", "trip_id"]
    assert written.columns.index("score") < written.columns.index("distance_km")


@pytest.mark.parametrize(
    ("name", "says"), [("scores.xlsx", "End it in .csv"), ("scores", "tells no format"), ("no/scores.csv", "no folder")]
)
def test_a_file_that_can_not_be_written_is_refused_before_the_demo_runs(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(SettingsError, match="setting scores: ") as caught:
        check_score_path(tmp_path / name)
    assert says in str(caught.value)
