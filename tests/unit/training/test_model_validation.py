from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from scoring.training import Provenance, TrainingTable, cross_validate, write_card
from scoring.training.boosting import grouped_folds
from scoring.training.card import model_card
from scoring.training.validation import Interval, discrimination, reliability, weighted_auc
from tests.support.examples.drawn_fleet import GROUP, LABEL, SEED, draw_trips, drawn_model


def test_the_auc_is_scikit_learns_with_ties_and_repeated_rows() -> None:
    rng = np.random.default_rng(0)
    rank, labels = rng.integers(0, 20, 500), rng.integers(0, 2, 500).astype(np.int8)
    times = rng.integers(0, 4, 500)
    assert weighted_auc(rank, labels, times.astype(float)) == pytest.approx(
        roc_auc_score(np.repeat(labels, times), np.repeat(rank, times))
    )


def test_the_auc_of_one_class_is_unknown() -> None:
    assert np.isnan(weighted_auc(np.arange(3), np.zeros(3, np.int8), np.ones(3)))


def test_no_group_is_on_both_sides_of_a_split() -> None:
    table = TrainingTable.from_frame(draw_trips(), label=LABEL, group=GROUP)
    tested = []
    for train, test in grouped_folds(table.labels, table.groups, seed=1):
        assert not set(table.groups[train]) & set(table.groups[test])
        tested.append(test)
    assert sorted(np.concatenate(tested)) == list(range(len(table.labels)))


def test_the_interval_widens_when_rows_of_a_group_repeat_each_other() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200).astype(np.int8)
    risk = np.clip(0.3 * labels + rng.random(200) * 0.7, 0, 1)
    alone = np.array([f"g{i}" for i in range(2000)])
    grouped = np.array([f"g{i // 10}" for i in range(2000)])
    risk, labels = np.repeat(risk, 10), np.repeat(labels, 10)
    by_row = discrimination("x", risk, labels, alone, seed=0).auc
    by_group = discrimination("x", risk, labels, grouped, seed=0).auc
    assert by_row.estimate == by_group.estimate
    assert by_group.high - by_group.low > 2 * (by_row.high - by_row.low)


def test_reliability_compares_tenths_of_predicted_risk_with_what_happened() -> None:
    risk = np.linspace(0, 1, 1000)
    labels = (np.arange(1000) >= 500).astype(np.int8)
    bins = reliability(risk, labels)
    assert [part.observed for part in bins] == [0.0] * 5 + [1.0] * 5
    assert sum(part.trips for part in bins) == 1000
    assert [part.mean_predicted for part in bins] == pytest.approx(np.arange(0.05, 1, 0.1), abs=0.001)


def test_cross_validation_finds_what_there_is_to_find_and_the_card_tells(tmp_path: Path) -> None:
    table = TrainingTable.from_frame(draw_trips(), label=LABEL, group=GROUP)
    validation = cross_validate(table, seed=SEED)

    assert 0.65 < validation.model.auc.low < validation.model.auc.estimate < validation.model.auc.high < 0.95
    assert validation.model.expected_calibration_error < 0.05
    assert {one.model for one in validation.baselines} == {"logistic regression", "boosting, unconstrained"}

    card = model_card(drawn_model(), validation, Provenance("Drawn trips.", ("They are drawn.",), "draw"))
    record = drawn_model().metadata.training
    for text in (
        record.data_sha256,
        str(validation.model.auc),
        f"{validation.model.brier:.4f}",
        "Drawn trips.",
        "- They are drawn.",
        f"`draw --seed {SEED}`",
        f"{record.max_parity_difference:.2g}",
        "| hard_brakes_per_100km | HARD_BRAKING | yes | 10 km |",
        "| speed_volatility | SPEED_VARIATION | yes | none |",
    ):
        assert text in card

    write_card(drawn_model(), validation, Provenance("", (), ""), tmp_path)
    assert (tmp_path / "card.md").read_text().startswith("# Model card: drawn v1")


def test_an_interval_reads_as_a_person_would_say_it() -> None:
    assert str(Interval(0.9123, 0.897, 0.9262)) == "0.912 (0.897 to 0.926)"


def test_labels_drawn_by_lot_have_an_auc_of_a_half() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 4000).astype(np.int8)
    auc = discrimination("lot", rng.random(4000), labels, np.arange(4000).astype(str), seed=0).auc
    assert auc.low < 0.5 < auc.high
