from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from scoring.errors import TrainingError
from scoring.model import ExposureLimits
from scoring.training import TrainingTable, save, train_model
from scoring.training.boosting import MIN_SAMPLES_LEAF, fit_platt
from tests.support.examples.drawn_fleet import CONDITIONS, GROUP, LABEL, SEED, draw_trips, drawn_model, feature_matrix


def train(trips: pl.DataFrame, seed: int = SEED) -> None:
    train_model(trips, label=LABEL, group=GROUP, seed=seed, name="x", version="v1", conditions=CONDITIONS)


def test_the_same_trips_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    again = train_model(
        draw_trips(), label=LABEL, group=GROUP, seed=SEED, name="drawn", version="v1", conditions=CONDITIONS
    )
    save(drawn_model(), tmp_path / "first")
    save(again, tmp_path / "second")
    for file in ("model.onnx", "model.json"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_other_trips_have_another_hash() -> None:
    trips = draw_trips(300)
    changed = trips.with_columns(pl.col("speed_volatility") + 1e-9)
    hashes = {TrainingTable.from_frame(one, label=LABEL, group=GROUP).sha256() for one in (trips, changed, trips)}
    assert len(hashes) == 2


def test_the_record_says_what_the_model_was_made_of() -> None:
    record = drawn_model().metadata.training
    trips = draw_trips()
    assert (record.trips, record.positives) == (trips.height, trips[LABEL].sum())
    assert record.groups == trips[GROUP].n_unique()
    assert record.data_sha256 == TrainingTable.from_frame(trips, label=LABEL, group=GROUP).sha256()
    assert record.max_parity_difference < 1e-6
    assert record.parity_rows > trips.height


def test_an_input_that_is_hardly_ever_missing_contributes_the_references_part_when_it_is() -> None:
    trips = draw_trips()
    gone = MIN_SAMPLES_LEAF - 1
    riskiest = trips.sort(LABEL, descending=True).with_columns(
        speed_volatility=pl.when(pl.int_range(pl.len()) < gone).then(None).otherwise(pl.col("speed_volatility"))
    )
    model = train_model(riskiest, label=LABEL, group=GROUP, seed=SEED, name="x", version="v1", conditions=CONDITIONS)
    column = [one.name for one in model.metadata.inputs].index("speed_volatility")
    assert float(model.model.shapes[column].missing) == pytest.approx(
        model.metadata.reference_contributions[column], abs=1e-7
    )


@pytest.mark.parametrize("feature", ["speed_volatility", "hard_brake_count", "speeding_ratio", "jerk_rms_mps3"])
def test_risk_rises_with_bad_driving_even_where_the_trips_say_the_opposite(feature: str) -> None:
    trips = draw_trips()
    reversed_feature = trips.with_columns(pl.col(feature).max() - pl.col(feature))
    model = train_model(
        reversed_feature, label=LABEL, group=GROUP, seed=SEED, name="x", version="v1", conditions=CONDITIONS
    )
    for shape in model.model.shapes:
        assert (np.diff(shape.steps) >= 0).all()


def test_inputs_without_any_sensor_are_left_out_and_named() -> None:
    trips = draw_trips().with_columns(phone_use_ratio=pl.lit(None, pl.Float64), night_ratio=pl.lit(None, pl.Float64))
    model = train_model(trips, label=LABEL, group=GROUP, seed=SEED, name="x", version="v1", conditions=CONDITIONS)
    assert model.left_out == ("night_share", "phone_use_share")
    batch = model.scorer().score(feature_matrix(draw_trips(50)), ExposureLimits.none())
    assert np.isfinite(batch.score).all()


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda trips: trips.head(199), "199 trips, at least 200"),
        (lambda trips: trips.with_columns(pl.lit(0).alias(LABEL)), "0 trips with a conflict"),
        (lambda trips: trips.with_columns(pl.lit(1).alias(LABEL)), "0 trips without a conflict"),
        (lambda trips: trips.with_columns((pl.int_range(pl.len()) % 9).alias(GROUP)), "9 groups"),
        (lambda trips: trips.drop("night_ratio", LABEL), "no column night_ratio, conflict"),
        (lambda trips: trips.with_columns(pl.lit(None).alias(GROUP)), "1500 trips have no conflict or no driver_id"),
        (
            lambda trips: trips.with_columns(pl.lit(1.0).alias(n) for n in trips.columns if n not in {LABEL, GROUP}),
            "no better than chance|almost all trips the same risk",
        ),
    ],
)
def test_training_stops_with_a_reason(spoil: Callable[[pl.DataFrame], pl.DataFrame], problem: str) -> None:
    with pytest.raises(TrainingError, match=problem):
        train(spoil(draw_trips()))


def test_labels_of_two_drivers_only_can_not_be_validated() -> None:
    trips = draw_trips().with_columns(
        pl.when(pl.int_range(pl.len()) < 40).then(pl.lit("drv_0")).otherwise(pl.col(GROUP)).alias(GROUP),
        pl.when(pl.int_range(pl.len()) < 40).then(1).otherwise(0).alias(LABEL),
    )
    with pytest.raises(TrainingError, match="too few groups to split by group"):
        train(trips)


def test_calibration_refuses_a_model_that_ranks_backwards() -> None:
    logits = np.linspace(-2, 2, 100)
    with pytest.raises(TrainingError, match="no better than chance"):
        fit_platt(logits, (logits < 0).astype(np.int8))


def test_calibration_turns_logits_into_frequencies() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=20_000)
    labels = (rng.random(logits.size) < 1 / (1 + np.exp(-(0.5 * logits - 1)))).astype(np.int8)
    platt = fit_platt(logits, labels)
    assert (platt.slope, platt.intercept) == pytest.approx((0.5, -1.0), abs=0.05)
