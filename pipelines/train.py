"""Training as a whole: files of trips and labels in; a model's folder with its card out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from pipelines import DEFAULT_SEED, provenance
from pipelines.labelled_windows import GROUP as WINDOW_GROUP
from pipelines.labelled_windows import LABEL as WINDOW_LABEL
from pipelines.labelled_windows import read_labelled_windows
from pipelines.simulation.fleet import labels_path
from schemas.features import FEATURE_DEFINITION, FEATURE_NAMES
from schemas.settings import ExposureSettings
from schemas.thresholds import ThresholdProfile
from scoring.errors import InputFileError
from scoring.features.batch import trip_features
from scoring.model import ExposureLimits, FeatureConditions
from scoring.training import (
    Provenance,
    TrainedModel,
    TrainingTable,
    Validation,
    cross_validate,
    save,
    train_model,
    write_card,
)
from scoring.trip_files import DEFAULT_FLEET_PATH, TripFile, read_trips

LABEL: Final = "conflict"
GROUP: Final = "driver_id"

_TRIP_KEY: Final = ("vehicle_id", "trip_id")


@dataclass(frozen=True)
class FeatureSettings:
    """The settings that define the features of training trips, and which trips are trained on.

    Attributes
    ----------
    thresholds
        Of the features.
    exposure
        Trips below these limits are left out, as they get no score.
    """

    thresholds: ThresholdProfile
    exposure: ExposureSettings

    def conditions(self) -> FeatureConditions:
        """Give what a model keeps of them."""
        return FeatureConditions(
            definition=FEATURE_DEFINITION,
            thresholds=self.thresholds,
            min_trip_km=self.exposure.min_trip_km,
            min_trip_s=self.exposure.min_trip_s,
        )


DEFAULT_FEATURE_SETTINGS: Final = FeatureSettings(ThresholdProfile(), ExposureSettings())


@dataclass(frozen=True)
class LabelledTrips:
    """Rows to train on, and their provenance for the card.

    Attributes
    ----------
    rows
        All feature columns, the label and the group.
    label, group
        Names of these two columns.
    conditions
        What the features were computed with.
    provenance
        For the card.
    """

    rows: pl.DataFrame
    label: str
    group: str
    conditions: FeatureConditions
    provenance: Provenance

    def table(self) -> TrainingTable:
        """Check the rows and take them as a training table."""
        return TrainingTable.from_frame(self.rows, label=self.label, group=self.group)


def simulated_trips(
    fleet: Path = DEFAULT_FLEET_PATH, settings: FeatureSettings = DEFAULT_FEATURE_SETTINGS
) -> LabelledTrips:
    """Read a simulated fleet with the labels beside it, as ``driver-score simulate`` writes them.

    Raises
    ------
    InputFileError
        When a file is missing or not what it should be.
    """
    own = "" if fleet == DEFAULT_FLEET_PATH else f" --data {fleet.name}"
    return LabelledTrips(
        rows=join_labels(
            trip_features(read_trips(fleet, file_format="fleet"), settings.thresholds),
            labels_path(fleet),
            exposure=settings.exposure,
        ),
        label=LABEL,
        group=GROUP,
        conditions=settings.conditions(),
        provenance=provenance.of_simulated_fleet(f"driver-score train{own}"),
    )


def own_trips(
    events: Path,
    labels: Path,
    *,
    file_format: str,
    trip_file: TripFile | None = None,
    label: str,
    group: str,
    settings: FeatureSettings = DEFAULT_FEATURE_SETTINGS,
) -> LabelledTrips:
    """Read a user's own trips in any format, and their labels from a Parquet or CSV file with a row a trip.

    Parameters
    ----------
    events, labels
        The files.
    file_format
        Of the events.
    trip_file
        The events, if they were read already.
    label, group
        Columns of the label, and of what is never split between training and test.
    settings
        Of the features.

    Raises
    ------
    InputFileError
        When a file is missing or not what it should be.
    """
    frame = read_trips(events, file_format=file_format) if trip_file is None else trip_file.events
    return LabelledTrips(
        rows=join_labels(
            trip_features(frame, settings.thresholds),
            labels,
            label=label,
            exposure=settings.exposure,
        ),
        label=label,
        group=group,
        conditions=settings.conditions(),
        provenance=provenance.of_own_trips(
            events,
            labels,
            label=label,
            command=f"driver-score train --data {events.name} --format {file_format} --labels {labels.name} "
            f"--label {label} --group {group}",
        ),
    )


def study_windows(
    study: Path, *, speed_only: bool, thresholds: ThresholdProfile = DEFAULT_FEATURE_SETTINGS.thresholds
) -> LabelledTrips:
    """Read the labelled windows of the 100-Car study; see :mod:`pipelines.labelled_windows`.

    Raises
    ------
    InputFileError
        When the file is not the study's.
    """
    found = read_labelled_windows(study, speed_only=speed_only, thresholds=thresholds)
    unlimited = ExposureSettings(min_trip_km=0, min_trip_s=0)  # windows are cut by their label
    return LabelledTrips(
        rows=found.windows,
        label=WINDOW_LABEL,
        group=WINDOW_GROUP,
        conditions=FeatureSettings(thresholds, unlimited).conditions(),
        provenance=provenance.of_study_windows(
            speed_only=speed_only,
            left_out=found.left_out,
            command=f"driver-score train --format 100car --data {study.name}" + (" --speed-only" if speed_only else ""),
        ),
    )


def join_labels(
    features: pl.DataFrame,
    labels: Path,
    *,
    label: str = LABEL,
    exposure: ExposureSettings = DEFAULT_FEATURE_SETTINGS.exposure,
) -> pl.DataFrame:
    """Give the trips that are labelled and have enough exposure to be scored, in the order of their ids.

    Parameters
    ----------
    features
        As :func:`scoring.features.batch.trip_features` gives them.
    labels
        Parquet or CSV: ``vehicle_id``, ``trip_id`` and `label`.
    label
        Name of the column of labels.
    exposure
        Trips below its limits are left out.

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
    exposed = joined.filter(ExposureLimits.of_trips(exposure).reached(joined.select(FEATURE_NAMES).to_numpy()))
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
        Called with the name of each step as it starts.

    Raises
    ------
    TrainingError
        When no model can be made of these trips.
    """
    start = report or (lambda _step: None)
    start("validating on held-out groups")
    validation = cross_validate(trips.table(), seed=seed)
    start("training on all trips")
    trained = train_model(
        trips.rows,
        label=trips.label,
        group=trips.group,
        seed=seed,
        name=name,
        version=version,
        conditions=trips.conditions,
    )
    save(trained, output)
    write_card(trained, validation, trips.provenance, output)
    return trained, validation
