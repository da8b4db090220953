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


@topics.callback()
def _topics() -> None:
    """Keep ``create`` a command of its own while it is the only one."""


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
