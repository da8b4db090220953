"""``driver-score topics``: the topics of the pipeline."""

import json
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from schemas.settings import load_settings
from schemas.topics import topics_of
from stream_app.kafka import create_topics

topics: Final = typer.Typer(help="Topics of the pipeline.", no_args_is_help=True)


@topics.command()
def create(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON on standard output.")] = False
) -> None:
    """Create missing topics. Idempotent."""
    kafka = load_settings().kafka
    outcomes = create_topics(kafka, specs=topics_of(kafka.group))
    if as_json:
        typer.echo(json.dumps([asdict(outcome) for outcome in outcomes]))
        return
    table = Table("topic", "partitions", "")
    for outcome in outcomes:
        table.add_row(outcome.name, str(outcome.partitions), "created" if outcome.created else "exists")
    Console().print(table)
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    for difference in (text for outcome in outcomes for text in outcome.differences):
        console.print(f"warning: {difference}", style="yellow", markup=False)


@topics.command("grow")
def grow_topics(
    partitions: Annotated[int, typer.Argument(help="New number of partitions: a multiple of the one before.")],
) -> None:
    """Raise the number of partitions; open trips and driver profiles move with their vehicles and drivers.

    Producers and workers must be stopped, with everything read. The settings name the partitions there were before.
    """
    from stream_app.maintenance import grow  # noqa: PLC0415 - Faust is imported with it

    moved = grow(load_settings(), partitions)
    typer.echo(
        f"{partitions} partitions; {moved.trips} trips and {moved.profiles} profiles moved. Set "
        f"DRIVER_SCORE_KAFKA__PARTITIONS={partitions}, start the workers, then the producers."
    )
