"""``driver-score druid``: Druid's ingestion of the output topics."""

import json
from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from driver_score.cli.trips.trip_file_options import JsonOption
from druid_specs import (
    Change,
    IngestionStatus,
    data_sources,
    druid_client,
    ingestion_status,
    plan_changes,
    plan_first_rows,
)
from schemas.errors import ExitStatus
from schemas.settings import load_settings
from stream_app.kafka import TopicSizes

druid: Final = typer.Typer(help="Druid's ingestion of the output topics.", no_args_is_help=True)


@druid.command()
def apply(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    first_rows: Annotated[
        bool, typer.Option("--first-rows", help="Make new data sources known to SQL by an empty row of the year 1900.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Create or change supervisors, retention and compaction. Idempotent."""
    settings = load_settings()
    desired = data_sources(settings)
    with druid_client(settings) as client:
        changes = plan_changes(client, desired)
        if first_rows:
            changes += plan_first_rows(client, desired)
        for change in changes:
            if not dry_run:
                change.make()
            if not as_json:
                _show_change(change)
    if as_json:
        typer.echo(json.dumps([_as_json(change) for change in changes]))
    elif not changes:
        typer.echo("nothing to change")
    elif dry_run:
        typer.echo(f"{len(changes)} changes, none made: this is a dry run")


@druid.command()
def status(*, as_json: JsonOption = False) -> None:
    """Show each supervisor's health and lag, published messages, and rows that can be queried."""
    settings = load_settings()
    desired = data_sources(settings)
    with closing(TopicSizes(settings.kafka)) as sizes, druid_client(settings) as client:
        statuses = ingestion_status(client, desired, sizes.count)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in statuses]))
    else:
        _show_statuses(statuses)
    if not all(one.is_healthy for one in statuses):
        raise typer.Exit(ExitStatus.NEEDS_ATTENTION)


def _show_change(change: Change) -> None:
    console = Console(highlight=False, soft_wrap=True)
    verb = "create" if change.is_new else "change"
    console.print(f"{verb} {change.part} of {change.data_source}", markup=False)
    for detail in change.details:
        console.print(f"    {detail}", markup=False)


def _as_json(change: Change) -> dict[str, object]:
    return {
        "data_source": change.data_source,
        "part": change.part,
        "is_new": change.is_new,
        "details": list(change.details),
    }


def _show_statuses(statuses: list[IngestionStatus]) -> None:
    table = Table()
    table.add_column("data source", no_wrap=True)
    table.add_column("supervisor")
    for heading in ("lag", "published", "rows", "behind", "unparseable"):
        table.add_column(heading, justify="right")
    for one in statuses:
        numbers = (one.lag, one.published, one.rows, one.behind, one.unparseable)
        table.add_row(one.data_source, one.state, *("-" if number is None else f"{number:,}" for number in numbers))
    console = Console(highlight=False)
    console.print(table)
    for one in statuses:
        if one.last_error is not None:
            console.print(f"{one.data_source}: {one.last_error}", style="red", markup=False)
