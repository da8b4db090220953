"""Training as a whole: files of trips and labels in; a model's folder with its card out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from pipelines import provenance
from pipelines.labelled_windows import GROUP as WINDOW_GROUP
from pipelines.labelled_windows import LABEL as WINDOW_LABEL
from pipelines.labelled_windows import read_labelled_windows
from pipelines.simulation.fleet import labels_path
from schemas.features import FEATURE_NAMES
from scoring.errors import InputFileError
from scoring.features.batch import trip_features
from scoring.model.exposure import ExposureLimits
from scoring.training.card import Provenance, write_card
from scoring.training.table import TrainingTable
from scoring.training.train import TrainedModel, save, train_model
from scoring.training.validation import Validation, cross_validate
from scoring.trip_files import DEFAULT_FLEET_PATH, ColumnMap, read_trips

DEFAULT_MODEL_PATH: Final = Path(__file__).resolve().parents[1] / "scoring" / "default_model"
"""The model that is shipped, and that is used when the settings name none."""

DEFAULT_SEED: Final = 20_260_302

LABEL: Final = "conflict"
GROUP: Final = "driver_id"

_TRIP_KEY: Final = ("vehicle_id", "trip_id")


@dataclass(frozen=True)
class LabelledTrips:
    """Rows to train on, and what the card says of them.

    Attributes
    ----------
    rows
        All feature columns, the label and the group.
    label, group
        Names of these two columns.
    provenance
        For the card.
    """

    rows: pl.DataFrame
    label: str
    group: str
    provenance: Provenance

    def table(self) -> TrainingTable:
        """Check the rows and take them as a training table."""
        return TrainingTable.from_frame(self.rows, label=self.label, group=self.group)


def simulated_trips(fleet: Path = DEFAULT_FLEET_PATH) -> LabelledTrips:
    """Read a simulated fleet with the labels beside it, as ``driver-score simulate`` writes them.

    Raises
    ------
    InputFileError
        When a file is missing or not what it should be.
    """
    own = "" if fleet == DEFAULT_FLEET_PATH else f" --data {fleet.name}"
    return LabelledTrips(
        rows=join_labels(trip_features(read_trips(fleet, file_format="fleet")), labels_path(fleet)),
        label=LABEL,
        group=GROUP,
        provenance=provenance.of_simulated_fleet(f"driver-score train{own}"),
    )


def own_trips(
    events: Path, labels: Path, *, file_format: str, column_map: ColumnMap | None = None, label: str, group: str
) -> LabelledTrips:
    """Read a user's own trips in any format, and their labels from a Parquet or CSV file with a row a trip.

    Raises
    ------
    InputFileError
        When a file is missing or not what it should be.
    """
    return LabelledTrips(
        rows=join_labels(
            trip_features(read_trips(events, file_format=file_format, column_map=column_map)), labels, label=label
        ),
        label=label,
        group=group,
        provenance=provenance.of_own_trips(
            events,
            labels,
            label=label,
            command=f"driver-score train --data {events.name} --format {file_format} --labels {labels.name} "
            f"--label {label} --group {group}",
        ),
    )


def study_windows(study: Path, *, speed_only: bool) -> LabelledTrips:
    """Read the labelled windows of the 100-Car study; see :mod:`pipelines.labelled_windows`.

    Raises
    ------
    InputFileError
        When the file is not the study's.
    """
    found = read_labelled_windows(study, speed_only=speed_only)
    return LabelledTrips(
        rows=found.windows,
        label=WINDOW_LABEL,
        group=WINDOW_GROUP,
        provenance=provenance.of_study_windows(
            speed_only=speed_only,
            left_out=found.left_out,
            command=f"driver-score train --format 100car --data {study.name}" + (" --speed-only" if speed_only else ""),
        ),
    )


def join_labels(features: pl.DataFrame, labels: Path, *, label: str = LABEL) -> pl.DataFrame:
    """Give the trips that are labelled and have enough exposure to be scored, in the order of their ids.

    Parameters
    ----------
    features
        As :func:`scoring.features.batch.trip_features` gives them.
    labels
        Parquet or CSV: ``vehicle_id``, ``trip_id`` and `label`.
    label
        Name of the column of labels.

    Raises
    ------
    InputFileError
        When the labels are missing, or are of no trip that there is.
    """
    if not labels.is_file():
        raise InputFileError(labels, "there is no such file", remedy="Training needs the labels of the trips")
    known = pl.read_csv(labels) if labels.suffix == ".csv" else pl.read_parquet(labels)
    missing = [name for name in (*_TRIP_KEY, label) if name not in known.columns]
    if missing:
        raise InputFileError(labels, f"there is no column {', '.join(missing)}", remedy="Name the columns so")
    keyed = known.select(pl.col(_TRIP_KEY).cast(pl.String), pl.col(label).cast(pl.Int8)).drop_nulls()
    joined = features.join(keyed, on=_TRIP_KEY, how="inner", validate="1:1").sort(_TRIP_KEY)
    exposed = joined.filter(ExposureLimits().reached(joined.select(FEATURE_NAMES).to_numpy()))
    if exposed.is_empty():
        raise InputFileError(
            labels, "no labelled trip has events and enough exposure", remedy="Check that ids agree with the events'"
        )
    return exposed


def train_and_save(
    trips: LabelledTrips,
    output: Path,
    *,
    name: str,
    version: str,
    seed: int = DEFAULT_SEED,
    report: Callable[[str], None] | None = None,
) -> tuple[TrainedModel, Validation]:
    """Validate on held-out groups, train on all, and write ``model.onnx``, ``model.json`` and ``card.md``.

    Parameters
    ----------
    trips
        What to train on.
    output
        The model's folder, made when it is absent.
    name, version, seed
        As in :func:`scoring.training.train.train_model`.
    report
        Is told what is being done.

    Raises
    ------
    TrainingError
        When no model can be made of these trips.
    """
    tell = report or (lambda _doing: None)
    tell("validating on held-out groups")
    validation = cross_validate(trips.table(), seed=seed)
    tell("training on all trips")
    trained = train_model(trips.rows, label=trips.label, group=trips.group, seed=seed, name=name, version=version)
    save(trained, output)
    write_card(trained, validation, trips.provenance, output)
    return trained, validation
