"""The validation report, ``docs/validation.md``: performance on real and on simulated conflicts."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from pipelines import DEFAULT_SEED
from pipelines.train import simulated_trips, study_windows
from scoring.training import Validation, cross_validate, metrics_table, reliability_table, wrap
from scoring.trip_files import DEFAULT_FLEET_PATH

BARS: Final = {"speed only": 0.88, "speed and accelerometers": 0.95}
"""Least AUC on the 100-Car windows."""

_REPORT: Final = """\
# Validation

Written by `driver-score validate --study PATH-TO-100CAR --output docs/validation.md`, seed {seed}; do not edit.

In every section: five folds by group, so that no driver or vehicle is on both sides of a split. Priors and caps of the
inputs, the number of boosting rounds, the leaves per tree and the calibration are chosen within the training part of
each fold; the held-out part is scored once, by the exported ONNX graph. Metrics are of the pooled held-out predictions;
95 % intervals come from a bootstrap over whole groups (1,000 samples). ECE: expected calibration error over tenths of
predicted risk. The logistic regression has the same inputs; the unconstrained boosting shows the cost of additivity and
monotonicity. Features have the default thresholds.

{sections}"""


def write_validation_report(
    output: Path,
    *,
    study: Path,
    fleet: Path = DEFAULT_FLEET_PATH,
    seed: int = DEFAULT_SEED,
    report: Callable[[str], None] | None = None,
) -> dict[str, Validation]:
    """Validate on the 100-Car study and on a simulated fleet, and write the report.

    Parameters
    ----------
    output
        The Markdown file.
    study
        The 100-Car study's events.
    fleet
        The simulated fleet; its labels lie beside it.
    seed
        Of folds, estimators and bootstrap.
    report
        Called with the name of each section as it starts.

    Returns
    -------
    dict
        Validations by section: ``speed only``, ``speed and accelerometers``, ``simulated fleet``.
    """
    start = report or (lambda _section: None)
    validations: dict[str, Validation] = {}
    sections = []
    for section, bar in BARS.items():
        start(f"100-Car study, {section}")
        windows = study_windows(study, speed_only=section == "speed only")
        validations[section] = cross_validate(windows.table(), seed=seed)
        sections.append(
            _section(
                f"Real conflicts: 100-Car study, {section}",
                f"{windows.provenance.trips} {windows.provenance.limitations[0]} Folds by vehicle. "
                f"Target: AUC of at least {bar}; {_verdict(validations[section], bar)}.",
                validations[section],
            )
        )
    start("simulated fleet")
    trips = simulated_trips(fleet)
    validations["simulated fleet"] = cross_validate(trips.table(), seed=seed)
    sections.append(
        _section(
            "Simulated fleet, by driver", f"{trips.provenance.trips} Folds by driver.", validations["simulated fleet"]
        )
    )
    output.write_text(_REPORT.format(seed=seed, sections="\n".join(sections)), encoding="utf-8")
    return validations


def _verdict(validation: Validation, bar: float) -> str:
    auc = validation.model.auc
    if auc.estimate < bar:
        return "not reached"
    return "reached" if auc.low >= bar else "reached by the estimate, but not by the whole interval"


def _section(title: str, text: str, validation: Validation) -> str:
    counts = (
        f"{validation.trips} rows of {validation.groups} groups, {validation.positives} with a conflict. Inputs: "
        f"{', '.join(validation.inputs)}."
    )
    return f"""\
## {title}

{wrap(text)}

{wrap(counts)}

{metrics_table([validation.model, *validation.baselines])}

Calibration of the additive monotone model:

{reliability_table(validation.reliability)}
"""
