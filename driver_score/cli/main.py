"""The command line ``driver-score``."""

import sys
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console

from driver_score.cli.operations.alerts import alerts
from driver_score.cli.operations.dashboards import dashboards
from driver_score.cli.operations.druid import druid
from driver_score.cli.operations.druid_query import query
from driver_score.cli.operations.exporter import exporter
from driver_score.cli.operations.reprocess import reprocess
from driver_score.cli.operations.rescore import rescore
from driver_score.cli.operations.stack import stack
from driver_score.cli.operations.topics import topics
from driver_score.cli.operations.worker import worker
from driver_score.cli.trips.demo import demo
from driver_score.cli.trips.replay import replay
from driver_score.cli.trips.simulate import simulate
from driver_score.cli.trips.train import train, validate
from schemas.errors import DriverScoreError, ExitStatus

app: Final = typer.Typer(
    name="driver-score",
    help="Streaming telematics scoring: trip events in, explainable Driver Scores out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _options(
    context: typer.Context,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    context.obj = debug


app.command()(demo)
app.command()(replay)
app.command()(worker)
app.command()(reprocess)
app.command()(rescore)
app.command()(exporter)
app.command()(simulate)
app.command()(train)
app.command()(validate)
app.add_typer(topics, name="topics")
app.add_typer(alerts, name="alerts")
druid.command()(query)
app.add_typer(druid, name="druid")
app.add_typer(dashboards, name="dashboards")
app.add_typer(stack, name="stack")


def main() -> None:
    """Run the command line; an error that was raised on purpose is one clear line."""
    debug = "--debug" in sys.argv[1:]
    try:
        app(standalone_mode=True)
    except DriverScoreError as error:
        if debug:
            raise
        _fail(str(error))
    except OSError as error:
        if debug or error.filename is None:
            raise
        _fail(f"can't use {error.filename}: {error.strerror}. Choose another path, or correct its permissions.")


def _fail(message: str) -> NoReturn:
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"error: {message}", style="red", markup=False)
    sys.exit(ExitStatus.FAILED)
