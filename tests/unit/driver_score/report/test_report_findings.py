"""Headings: what is said of the numbers, and that little is said of little."""

from typing import get_args

import polars as pl
import pytest

from driver_score.losses import Loss
from driver_score.report import InputQuality, findings
from driver_score.report.groups import display_names, factor_costs, score_groups, vehicles_of_half
from driver_score.report.wording import FACTORS, REJECTS
from schemas.messages.dead_letter import RejectCode
from schemas.messages.driver_score import ReasonCode


def trips_of(scores: dict[str, list[float | None]]) -> pl.DataFrame:
    rows = [(client, score) for client, values in scores.items() for score in values]
    frame = pl.DataFrame(rows, schema={"client": pl.String, "score": pl.Float64}, orient="row")
    band = pl.when(pl.col("score") >= 70).then(pl.lit("low")).when(pl.col("score") >= 45).then(pl.lit("moderate"))
    return frame.with_columns(
        band=pl.when(pl.col("score").is_not_null()).then(band.otherwise(pl.lit("high"))), distance_km=pl.lit(1.0)
    )


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({"a": [None]}, "No trip has a score yet"),
        ({"a": [50.0, None]}, "The one scored trip is of moderate risk"),
        ({"a": [80.0, 90.0, 50.0, 60.0]}, "No trip is of high risk, and 50% are of low risk"),
        ({"a": [80.0, 90.0, 50.0, 10.0]}, "50% of the scored trips are of low risk, 25.0% of high risk"),
    ],
)
def test_scores(scores: dict[str, list[float | None]], expected: str) -> None:
    assert findings.of_scores(trips_of(scores)) == expected


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({"a": [60.0] * 3, "b": [80.0] * 3}, "a scores lowest: median 60, against 80 of b"),
        ({"a": [78.0] * 3, "b": [80.0] * 3}, "The clients score alike: medians of 78 to 80"),
        ({"a": [10.0], "b": [80.0] * 3}, "Too few trips to compare clients yet"),
        ({"a": [10.0], "b": [80.0] * 3, "c": [70.0] * 3}, "c scores lowest: median 70, against 80 of b"),
    ],
)
def test_groups_are_compared_only_with_enough_trips(scores: dict[str, list[float | None]], expected: str) -> None:
    assert findings.of_groups(score_groups(trips_of(scores), "client"), "clients") == expected


def test_group_statistics_leave_out_trips_without_a_score() -> None:
    groups = score_groups(trips_of({"a": [10.0, 20.0, 30.0, None], "b": [None]}), "client")
    assert groups.select("label", "trips", "scored", "high", "median", "p25", "p75").rows() == [
        ("a", 4, 3, 3, 20.0, 15.0, 25.0)
    ]


@pytest.mark.parametrize(
    ("high", "expected"), [([0, 0], 0), ([1], 1), ([5, 1, 1, 1], 1), ([2, 2, 2, 2], 2), ([3, 2, 2], 2)]
)
def test_the_fewest_vehicles_with_half_of_the_high_risk_trips(high: list[int], expected: int) -> None:
    assert vehicles_of_half(pl.DataFrame({"high": high})) == expected


def test_factor_costs_are_points_lost_per_scored_trip() -> None:
    trips = pl.DataFrame(
        {
            "score": [50.0, 70.0, None],
            "reason_1": ["SPEEDING", "NIGHT_DRIVING", None],
            "reason_1_impact": [-8.0, 4.0, None],
            "reason_2": ["NIGHT_DRIVING", "SPEEDING", None],
            "reason_2_impact": [-3.0, -2.0, None],
            "reason_3": [None, "PHONE_USE", None],
            "reason_3_impact": [None, -0.06, None],
        },
        schema_overrides={"reason_3": pl.String, "reason_3_impact": pl.Float64},
    )
    costs = factor_costs(trips)
    assert costs.rows() == [("SPEEDING", 5.0, 1.0), ("NIGHT_DRIVING", 1.5, 0.5)]
    assert findings.of_factors(costs) == "Speeding costs the most: 5.0 points a trip on average"
    assert findings.of_factors(costs.clear()) == "Nothing pulls the scores down"


@pytest.mark.parametrize(
    ("events", "rejected", "expected"),
    [
        (0, 0, "No events came in"),
        (1500, 0, "All 1,500 events could be read"),
        (900, 100, "90.0% of the events could be read, 100 could not"),
        (10_000_000, 1, "More than 99.9% of the events could be read, 1 could not"),
    ],
)
def test_quality(events: int, rejected: int, expected: str) -> None:
    assert findings.of_quality(InputQuality(events, rejected, {}, 0, 0)) == expected


@pytest.mark.parametrize(
    ("quality", "expected"),
    [
        (InputQuality(630, 0, {}, 0, 620), "620 of 630 events came late"),
        (InputQuality(630, 0, {}, 0, 6), "All 630 events could be read"),
        (InputQuality(630, 100, {"not_json": 100}, 0, 20), "86.3% of the events could be read, 100 could not"),
        (
            InputQuality(630, 0, {}, 0, 0, {("heading_deg", "wrong_type"): 90, ("latitude", "placeholder"): 600}),
            "90 of 630 events count without heading_deg",
        ),
        (
            InputQuality(630, 0, {}, 0, 0, file_losses=(Loss(420, 1050, "rows of the file were dropped"),)),
            "420 of 1,050 rows of the file were dropped",
        ),
        (
            InputQuality(630, 0, {}, 0, 200, trips=2, device_faults={"held_speed": 2}),
            "2 of 2 trips have a speed that stays the same for seconds before it changes",
        ),
    ],
)
def test_the_quality_is_headed_by_the_largest_loss(quality: InputQuality, expected: str) -> None:
    assert findings.of_quality(quality) == expected


def test_clients_are_called_by_name_unless_two_would_share_it() -> None:
    assert display_names(pl.Series(["client_harbor", "client_new_town"])) == {
        "client_harbor": "Harbor",
        "client_new_town": "New town",
    }
    assert display_names(pl.Series(["client_a", "a"])) == {"client_a": "client_a", "a": "a"}


def test_every_code_has_its_words() -> None:
    assert set(FACTORS) == set(get_args(ReasonCode))
    assert set(REJECTS) == set(RejectCode)
