"""The model card: what a model is, its training data, its performance and its limitations."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Final

import numpy as np

from scoring.model.inputs import FittedInput
from scoring.model.metadata import CARD_FILE
from scoring.model.reasons import MIN_IMPACT_POINTS
from scoring.training.train import MEDIAN_SCORE, RISKY_SCORE, TrainedModel
from scoring.training.validation import Discrimination, ReliabilityBin, Validation


@dataclass(frozen=True)
class Provenance:
    """What the card needs beside the model and its validation.

    Attributes
    ----------
    trips
        What the trips and labels are, in a sentence or two.
    limitations
        One sentence each.
    command
        The command that trained this model.
    """

    trips: str
    limitations: tuple[str, ...]
    command: str


_TEMPLATE: Final = """\
# Model card: {name} {version}

An additive model (boosted trees without interactions: one shape function per input) that gives the calibrated
probability that a trip like this one has at least one conflict, and a score from 0 (worst) to 100 (best).

## Training trips

{trips_are}

- {trips} trips of {groups} groups (column `{group}`), {positives} with `{label}` ({positive_share:.1%})
- SHA-256 of features, labels and groups: `{data_sha256}`
- features of definition {definition}, with the thresholds `{thresholds}` that `model.json` lists; trips of at least
  {min_trip_km:g} km and {min_trip_s:g} s
- seed {seed}; {versions}

## Performance on held-out groups

Five folds by group; the choice of complexity and calibration are repeated within the training part of every fold.
Metrics of the pooled predictions of held-out groups; 95 % intervals by bootstrap over groups. ECE is the expected
calibration error over tenths of predicted risk.

{metrics}

Calibration of the additive monotone model on held-out trips:

{reliability}

## Inputs

{inputs}

More of a monotone input never lowers the risk, by construction. Points: what the score changes from the lowest to
the highest value of the input; and, when its sensor is missing, against the reference driver (0 where training had
too few trips without the sensor to learn from). Raw counts, distance and duration are not inputs.

{silent}

## From risk to score

score = {offset:.2f} - {points_per_logit:.2f} * logit(risk), clipped to 0 to 100: double the odds cost
{points_to_double:.1f} points. The median training trip has {median_score:g}, one in twenty {risky_score:g} or less.
Bands: low risk from {low_from:g}, moderate from {moderate_from:g}, high below.

## Checks in training

- ONNX against scikit-learn: the largest difference of a risk is {parity:.2g} over {parity_rows} rows, among them
  rows at every threshold, one float32 step to either side, and rows with missing sensors
- {rounds} rounds with {max_leaf_nodes} leaves per tree, chosen by grouped cross-validation; Platt's slope
  {slope:.3f} (1 needs no calibration)
- {golden} golden rows of feature quantiles are scored each time the model is loaded

## Limitations

{limitations}

## How to reproduce it

`{command} --seed {seed}`, with the thresholds and exposure limits above in the settings.

The same trips and seed give the same risks, and with the library versions above the same bytes.
"""


def model_card(trained: TrainedModel, validation: Validation, provenance: Provenance) -> str:
    """Render the card of a model as Markdown; `validation` is the cross-validation on its training trips."""
    metadata = trained.metadata
    record = metadata.training
    return _TEMPLATE.format(
        **record.model_dump(include={"trips", "groups", "group", "positives", "label", "data_sha256", "seed"}),
        **metadata.scaling.model_dump(),
        **metadata.bands.model_dump(),
        **metadata.conditions.model_dump(include={"definition", "min_trip_km", "min_trip_s"}),
        thresholds=metadata.conditions.thresholds.identity,
        name=metadata.name,
        version=metadata.version,
        trips_are=wrap(provenance.trips),
        positive_share=record.positives / record.trips,
        versions=", ".join(f"{library} {version}" for library, version in sorted(record.versions.items())),
        metrics=metrics_table([validation.model, *validation.baselines]),
        reliability=reliability_table(validation.reliability),
        inputs=_inputs_table(trained),
        silent=_silent_inputs(trained),
        points_to_double=metadata.scaling.points_per_logit * np.log(2),
        median_score=MEDIAN_SCORE,
        risky_score=RISKY_SCORE,
        parity=record.max_parity_difference,
        parity_rows=record.parity_rows,
        rounds=record.boosting_rounds,
        max_leaf_nodes=record.max_leaf_nodes,
        slope=record.calibration_slope,
        golden=len(metadata.golden_rows),
        limitations="\n".join(wrap(f"- {one}", indent="  ") for one in provenance.limitations),
        command=provenance.command,
    )


def write_card(trained: TrainedModel, validation: Validation, provenance: Provenance, folder: Path) -> None:
    """Write ``card.md`` into the model's folder."""
    (folder / CARD_FILE).write_text(model_card(trained, validation, provenance), encoding="utf-8")


def wrap(text: str, *, indent: str = "") -> str:
    """Break a paragraph of Markdown into lines of 118 characters, later ones indented."""
    return fill(text, width=118, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def metrics_table(metrics: Sequence[Discrimination]) -> str:
    """Render metrics as a Markdown table, a line a model."""
    return _table(
        ("model", "AUC (95 % CI)", "Brier", "ECE"),
        ((one.model, str(one.auc), f"{one.brier:.4f}", f"{one.expected_calibration_error:.4f}") for one in metrics),
    )


def reliability_table(bins: Sequence[ReliabilityBin]) -> str:
    """Render calibration as a Markdown table, a line a bin."""
    return _table(
        ("trips", "mean predicted risk", "observed"),
        ((str(part.trips), f"{part.mean_predicted:.3f}", f"{part.observed:.3f}") for part in bins),
    )


def _inputs_table(trained: TrainedModel) -> str:
    metadata = trained.metadata
    points = metadata.scaling.points_per_logit
    return _table(
        ("input", "factor", "monotone", "prior weight", "cap", "points, low to high", "points, sensor missing"),
        (
            (
                fitted.name,
                fitted.reason,
                "yes" if fitted.monotone else "no",
                _prior_weight(fitted),
                f"{fitted.cap:.3g}",
                f"{-points * float(shape.steps[-1] - shape.steps[0]):+.1f}",
                f"{-points * (float(shape.missing) - reference):+.1f}",
            )
            for fitted, shape, reference in zip(
                metadata.inputs, trained.model.shapes, metadata.reference_contributions, strict=True
            )
        ),
    )


def _silent_inputs(trained: TrainedModel) -> str:
    """Name the inputs that never change a score, so that nobody relies on them."""
    points = trained.metadata.scaling.points_per_logit
    without_effect = [
        fitted.name
        for fitted, shape in zip(trained.metadata.inputs, trained.model.shapes, strict=True)
        if points * float(shape.steps[-1] - shape.steps[0]) < MIN_IMPACT_POINTS
    ]
    sentences = []
    if without_effect:
        sentences.append(
            f"**Without effect**, because in these trips they add nothing to the other inputs: "
            f"{', '.join(without_effect)}. A factor of which all inputs are without effect is never a reason."
        )
    if trained.left_out:
        sentences.append(f"**Left out**, because no trip has the sensor: {', '.join(trained.left_out)}.")
    return wrap(" ".join(sentences) or "Every input has an effect.")


def _prior_weight(fitted: FittedInput) -> str:
    return {"level": "none", "per_100km": f"{fitted.prior_exposure:g} km", "share": f"{fitted.prior_exposure:g} s"}[
        fitted.kind
    ]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
