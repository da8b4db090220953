"""``driver-score train`` and ``driver-score validate``: train models, and measure their performance."""

import json
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from driver_score.cli.trips.trip_file_options import (
    FileOrderOption,
    FormatOption,
    JsonOption,
    MapFileOption,
    MapOptions,
    MapsOption,
    MaxUnreadableOption,
    PivotOption,
    SkipLinesOption,
    StartOption,
    TimeZoneOption,
    TripGapOption,
    TripPauseOption,
    UnknownOption,
    ValuesOption,
    WhereOption,
    format_of,
    read_with_options,
    report_summary,
    time_order_of,
)
from pipelines import DEFAULT_SEED
from schemas.errors import MissingExtraError
from schemas.settings import load_settings
from scoring.errors import InputFileError
from scoring.trip_files import DEFAULT_FLEET_PATH, ReadSummary

_OUTPUT: Final = Path("model")
_REPORT: Final = Path("validation.md")


def train(
    *,
    data: Annotated[Path | None, typer.Option(help="File of trips; by default the simulated fleet.")] = None,
    file_format: FormatOption = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Parquet or CSV file with vehicle_id, trip_id and the label; required for your own trips."),
    ] = None,
    label: Annotated[str, typer.Option(help="Column of the label, 0 or 1.")] = "conflict",
    group: Annotated[
        str, typer.Option(help="Column whose groups are never split between training and test.")
    ] = "driver_id",
    maps: MapsOption = None,
    unknown: UnknownOption = None,
    values: ValuesOption = None,
    where: WhereOption = None,
    pivot: PivotOption = None,
    map_file: MapFileOption = None,
    time_zone: TimeZoneOption = None,
    start: StartOption = None,
    trip_gap_s: TripGapOption = None,
    trip_pause_s: TripPauseOption = None,
    skip_lines: SkipLinesOption = None,
    max_unreadable: MaxUnreadableOption = None,
    file_order: FileOrderOption = None,
    speed_only: Annotated[bool, typer.Option("--speed-only", help="For 100car: ignore the accelerometers.")] = False,
    output: Annotated[Path, typer.Option(help="Folder of the model.")] = _OUTPUT,
    name: Annotated[str, typer.Option(help="Name of the model.")] = "simulated-fleet",
    version: Annotated[str, typer.Option(help="Version of the model: v1, v2, …")] = "v1",
    seed: Annotated[int, typer.Option(help="Random seed; the same seed and data give the same model.")] = DEFAULT_SEED,
    as_json: JsonOption = False,
) -> None:
    """Train a model with the thresholds and exposure limits of the settings, export it to ONNX, and write its card."""
    try:
        from pipelines.train import FeatureSettings, own_trips, simulated_trips, study_windows, train_and_save  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("driver-score train", "train") from error

    settings = load_settings()
    feature_settings = FeatureSettings(settings.thresholds, settings.exposure)
    console = Console(stderr=True, highlight=False)
    path = data or DEFAULT_FLEET_PATH
    given_format = file_format or ("fleet" if data is None else format_of(path))
    read: ReadSummary | None = None
    if given_format == "100car":
        trips = study_windows(path, speed_only=speed_only, thresholds=settings.thresholds)
    elif given_format == "fleet":
        trips = simulated_trips(path, feature_settings)
    elif labels is None:
        raise InputFileError(path, "its trips have no labels", remedy="Add --labels, a file with one row per trip")
    else:
        options = MapOptions(
            maps=maps,
            unknown=unknown,
            values=values,
            where=where,
            pivot=pivot,
            map_file=map_file,
            time_zone=time_zone,
            start=start,
            trip_gap_s=trip_gap_s,
            trip_pause_s=trip_pause_s,
            skip_lines=skip_lines,
            max_unreadable=max_unreadable,
        )
        trip_file = read_with_options(
            console,
            path,
            file_format=given_format,
            options=options,
            time_order=time_order_of(file_order=file_order),
            profile=settings.thresholds,
        )
        read = trip_file.summary
        trips = own_trips(
            path,
            labels,
            trip_file=trip_file,
            file_format=given_format,
            label=label,
            group=group,
            settings=feature_settings,
        )
    trained, validation = train_and_save(
        trips, output, name=name, version=version, seed=seed, report=lambda step: console.print(f"{step} …")
    )
    auc = validation.model.auc
    console.print(f"AUC on held-out groups {auc} (95 % CI); model in {output}")
    if read is not None:
        report_summary(console, path, read)
    if as_json:
        record = trained.metadata.training
        typer.echo(
            json.dumps(
                {
                    "output": str(output),
                    "auc": auc.estimate,
                    "auc_low": auc.low,
                    "auc_high": auc.high,
                    "trips": record.trips,
                    "groups": record.groups,
                    "data_sha256": record.data_sha256,
                    **({} if read is None else {"file": read.as_dict()}),
                }
            )
        )


def validate(
    *,
    study: Annotated[Path, typer.Option(help="100car.parquet, the 100-Car study's events.")],
    output: Annotated[Path, typer.Option(help="File of the report.")] = _REPORT,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed gives the same report.")] = DEFAULT_SEED,
) -> None:
    """Validate on real conflicts and on the simulated fleet with default thresholds, and write the report."""
    try:
        from pipelines.validation_report import write_validation_report  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("driver-score validate", "train") from error

    console = Console(stderr=True, highlight=False)
    validations = write_validation_report(
        output, study=study, seed=seed, report=lambda step: console.print(f"{step} …")
    )
    for title, validation in validations.items():
        auc = validation.model.auc
        console.print(f"{title}: AUC {auc} (95 % CI)")
    console.print(f"report: {output}")
