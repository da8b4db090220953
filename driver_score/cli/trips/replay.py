"""``driver-score replay``: recorded trips to ``trip-events``."""

import json
import math
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Annotated

import polars as pl
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

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
    refuse_missing,
    report_summary,
    time_order_of,
)
from driver_score.replay import (
    Disturbance,
    MessageSlice,
    ReplaySummary,
    append_trip_ends,
    disturb,
    event_messages,
    line_messages,
    plan_sending,
    shift_to_now,
)
from driver_score.replay import replay as send
from driver_score.replay.send_plan import MAX_PAUSE_S
from schemas.errors import SettingsError
from schemas.settings import load_settings
from schemas.topics import TRIP_EVENTS
from scoring.trip_files import DEFAULT_FLEET_PATH, ReadSummary


def replay(
    path: Annotated[Path | None, typer.Argument(help="File of trips; by default the included simulated fleet.")] = None,
    *,
    file_format: FormatOption = None,
    bootstrap: Annotated[
        str | None, typer.Option(help="Address of a Kafka broker; by default DRIVER_SCORE_KAFKA__BOOTSTRAP.")
    ] = None,
    topic_prefix: Annotated[
        str | None, typer.Option(help="Prefix of the topics' names; by default DRIVER_SCORE_KAFKA__TOPIC_PREFIX.")
    ] = None,
    speed: SpeedOption = "max",
    now: Annotated[
        bool, typer.Option("--shift-to-now", help="Move the trips to the present, for live dashboards.")
    ] = False,
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
    trip_ends: Annotated[
        bool | None,
        typer.Option(
            "--trip-ends/--no-trip-ends",
            help="Add trip_end to trips that have none. Default: yes; no for jsonl, which is sent unchanged.",
        ),
    ] = None,
    copies: Annotated[int, typer.Option(min=1, help="Number of copies of each trip, each with its own ids.")] = 1,
    envelope: Annotated[int, typer.Option(min=1, help="Samples per message; more than 1 sends TripEventBatch.")] = 1,
    duplicates: Annotated[float, typer.Option(min=0, max=1, help="Share of events sent twice.")] = 0.0,
    out_of_order: Annotated[float, typer.Option(min=0, max=1, help="Share of samples sent up to 5 s late.")] = 0.0,
    bad: Annotated[float, typer.Option(min=0, max=1, help="Invalid messages added, as a share of events.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of the disturbances.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Send recorded trips to Kafka, in real time, N times faster, or as fast as possible.

    It connects by the settings of DRIVER_SCORE_KAFKA, as the worker does.
    """
    console = Console(stderr=True)
    options = {"bootstrap": bootstrap, "topic_prefix": topic_prefix}
    kafka = load_settings(kafka={name: given for name, given in options.items() if given is not None}).kafka
    times_real_time = parse_speed(speed)
    given_path = path or DEFAULT_FLEET_PATH
    given_format = file_format or ("fleet" if path is None else format_of(given_path))
    disturbance = Disturbance(duplicates, out_of_order, bad, seed)
    time_order = time_order_of(file_order=file_order)
    needs_events = bool(
        trip_ends or now or copies > 1 or envelope > 1 or duplicates or out_of_order or bad or time_order
    )
    read: ReadSummary | None = None
    messages: Iterable[MessageSlice]
    if given_format == "jsonl" and not needs_events:
        refuse_missing(given_path)
        total, messages = None, line_messages(given_path)
    else:
        map_options = MapOptions(
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
            given_path,
            file_format=given_format,
            options=map_options,
            time_order=time_order,
            profile=load_settings().thresholds,
        )
        read = trip_file.summary
        plan = _plan(
            trip_file.events,
            trip_ends=given_format != "jsonl" if trip_ends is None else trip_ends,
            shift_at_speed=(times_real_time,) if now else None,
            disturbance=disturbance,
        )
        total = (plan.height - plan["garbage"].count()) * copies
        messages = event_messages(plan, envelope=envelope, copies=copies)
    with _stop_on_signal() as stop, _progress(console) as progress:
        task = progress.add_task("sending", total=total)
        summary = send(
            messages,
            kafka=kafka,
            topic=kafka.topic_prefix + TRIP_EVENTS.name,
            speed=times_real_time,
            max_pause_s=None if now else MAX_PAUSE_S,
            progress=lambda events: progress.advance(task, events),
            stop=stop,
        )
    if read is not None:
        report_summary(console, given_path, read)
    _report(console, summary, read, as_json=as_json)


def parse_speed(text: str) -> float | None:
    """Parse a speed: times real time, null for as fast as possible.

    Raises
    ------
    SettingsError
        If it is neither ``realtime`` nor ``max`` nor a number above 0, with or without an ``x`` after it.
    """
    if text in {"realtime", "max"}:
        return 1.0 if text == "realtime" else None
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = math.nan
    if not 0 < speed < math.inf:
        raise SettingsError("speed", f"`{text}` is not a speed", remedy="Use realtime, max, or a number such as 60.")
    return speed


def _plan(
    events: pl.DataFrame, *, trip_ends: bool, shift_at_speed: tuple[float | None] | None, disturbance: Disturbance
) -> pl.DataFrame:
    if trip_ends:
        events = append_trip_ends(events)
    if shift_at_speed is not None:
        events = shift_to_now(events, now_ms=time.time_ns() // 1_000_000, speed=shift_at_speed[0])
    return disturb(plan_sending(events), disturbance)


@contextmanager
def _stop_on_signal() -> Iterator[threading.Event]:
    """Let Ctrl-C and SIGTERM stop sending gracefully: sent messages are still confirmed and reported."""
    stop = threading.Event()

    def set_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, set_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _EventRate(ProgressColumn):
    """Current rate of events."""

    def render(self, task: Task) -> Text:
        """Return the rate as text."""
        rate = task.finished_speed or task.speed
        return Text("- events/s" if rate is None else f"{rate:,.0f} events/s", style="progress.data.speed")


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} events"),
        _EventRate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _report(console: Console, summary: ReplaySummary, read: ReadSummary | None, *, as_json: bool) -> None:
    how = "stopped after" if summary.stopped else "sent"
    console.print(
        f"{how} {summary.events:,} events in {summary.messages:,} messages, {summary.bytes_sent / 1e6:,.1f} MB, "
        f"{summary.elapsed_s:,.1f} s, {summary.events_per_s:,.0f} events/s",
        highlight=False,
    )
    if as_json:
        file = {} if read is None else {"file": read.as_dict()}
        typer.echo(json.dumps({**asdict(summary), "events_per_s": summary.events_per_s, **file}))
