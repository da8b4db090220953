"""``driver-score dashboards``: Grafana's dashboards, generated from code."""

from pathlib import Path
from typing import Annotated, Final

import typer

from grafana import generate

dashboards: Final = typer.Typer(help="Grafana's dashboards, generated from code.", no_args_is_help=True)

_Folder = Annotated[Path, typer.Option("--folder", help="Folder of the JSON files.")]


@dashboards.command()
def build(*, folder: _Folder = generate.DASHBOARDS_DIR) -> None:
    """Write the JSON files that Grafana loads."""
    for path in generate.write(folder):
        typer.echo(f"wrote {path}")


@dashboards.command()
def check(*, folder: _Folder = generate.DASHBOARDS_DIR) -> None:
    """Fail if the JSON files differ from the code."""
    generate.check(folder)
    typer.echo("the dashboards are up to date")
