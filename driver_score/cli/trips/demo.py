"""``driver-score demo``: the whole pipeline on one machine, to watch."""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import polars as pl
import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from driver_score.cli.trips.loss_lines import print_losses
from driver_score.cli.trips.replay import parse_speed
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
    SpeedOption,
    StartOption,
    TimeZoneOption,
    TripGapOption,
    TripPauseOption,
    UnknownOption,
    ValuesOption,
    WhereOption,
    format_of,
    read_with_options,
    time_order_of,
)
from driver_score.replay import MessageSlice, append_trip_ends, event_messages, line_messages, plan_sending
from schemas.errors import MissingExtraError
from schemas.settings import load_settings
from scoring.trip_files import DEFAULT_FLEET_PATH

_REPORT: Final = Path("driver-score-report.html")


def demo(
    *,
    data: Annotated[Path | None, typer.Option(help="File of trips; by default the included simulated fleet.")] = None,
    file_format: FormatOption = None,
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
    trips: Annotated[int | None, typer.Option(min=1, help="Number of trips, the earliest; by default all.")] = None,
    speed: SpeedOption = "max",
    report: Annotated[Path, typer.Option(help="Path of the report: an .html file or a folder.")] = _REPORT,
    scores: Annotated[
        Path | None, typer.Option(help="File for the final scores of trips: .csv, .jsonl or .parquet.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Score trips with a real worker on an embedded broker, and write an HTML report."""
    try:
        from driver_score.demo import Progress, check_score_path, live_view, run_demo  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("driver-score demo", "demo") from error

    if scores is not None:
        check_score_path(scores)
    console = Console(stderr=True)
    times_real_time = parse_speed(speed)
    path = data or DEFAULT_FLEET_PATH
    given_format = file_format or ("fleet" if data is None else format_of(path))
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
    time_order = time_order_of(file_order=file_order)
    trip_file = read_with_options(
        console,
        path,
        file_format=given_format,
        options=options,
        time_order=time_order,
        profile=load_settings().thresholds,
    )
    events = trip_file.events if trips is None else _earliest_trips(trip_file.events, trips)
    is_unchanged = given_format == "jsonl" and trips is None and not time_order
    messages, total = _messages(events, path, given_format, is_unchanged=is_unchanged)

    log_folder = Path(tempfile.mkdtemp(prefix="driver-score-demo-"))
    with Live(console=console, refresh_per_second=4) as live:

        def show(progress: Progress) -> None:
            if progress.stage != "live":
                live.update(Text(f"{progress.stage} …"))
                return
            live.update(
                live_view(
                    sent=progress.sent,
                    total=total,
                    metrics=progress.metrics,
                    events_per_s=progress.events_per_s,
                    latest=progress.latest,
                    riskiest=progress.riskiest,
                )
            )

        outcome = run_demo(
            messages,
            events,
            file=None if is_unchanged else trip_file.summary,
            title=_title(path, is_simulated=data is None),
            report_path=report,
            log_folder=log_folder,
            speed=times_real_time,
            show=show,
            score_path=scores,
        )
    if not console.is_terminal:
        console.line()  # the live view ends without one
    console.print(
        f"{outcome.events:,} events of {outcome.trips:,} trips, {outcome.scores:,} scores, {outcome.alerts:,} alerts, "
        f"{outcome.late:,} late, {outcome.duplicates:,} merged, {outcome.rejected:,} rejected; "
        f"{outcome.events_per_s:,.0f} events/s",
        highlight=False,
        soft_wrap=True,
    )
    print_losses(console, outcome.large_losses, outcome.losses)
    for note in outcome.notes:
        console.print(Text(note), soft_wrap=True)
    console.print(f"report: {outcome.report}", highlight=False)
    if scores is not None:
        console.print(f"scores: {scores}", highlight=False)
    print_losses(console, trip_file.summary.cautions, ())
    if as_json:
        typer.echo(json.dumps({**asdict(outcome), "file": trip_file.summary.as_dict()}))


def _earliest_trips(events: pl.DataFrame, count: int) -> pl.DataFrame:
    key = ["vehicle_id", "trip_id"]
    starts = events.group_by(key).agg(pl.col("timestamp_ms").min()).sort("timestamp_ms", *key).head(count)
    return events.join(starts.select(key), on=key, how="semi", maintain_order="left")


def _messages(
    events: pl.DataFrame, path: Path, file_format: str, *, is_unchanged: bool
) -> tuple[Iterable[MessageSlice], int | None]:
    """Return the messages, and their number if it is known."""
    if is_unchanged:
        return line_messages(path), None
    plan = plan_sending(events if file_format == "jsonl" else append_trip_ends(events))
    return event_messages(plan), len(plan)


def _title(path: Path, *, is_simulated: bool) -> str:
    return "A simulated fleet" if is_simulated else f"Trips of {path.name}"
