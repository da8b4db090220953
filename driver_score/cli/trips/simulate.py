"""``driver-score simulate``: a simulated fleet."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from driver_score.cli.trips.trip_file_options import JsonOption
from pipelines.simulation import labels_path, simulate_fleet

_OUTPUT: Final = Path("fleet.parquet")


def simulate(
    *,
    output: Annotated[Path, typer.Option(help="File of the events; the labels are written next to it.")] = _OUTPUT,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed and sizes give the same fleet.")] = 2026,
    drivers: Annotated[int, typer.Option(min=1, help="Number of drivers.")] = 500,
    trips_per_driver: Annotated[int, typer.Option(min=1, help="Number of trips per driver.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Simulate a fleet with Eclipse SUMO, and write its events and labels as Parquet."""
    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("simulating", total=1.0)
        summary = simulate_fleet(
            output,
            seed=seed,
            drivers=drivers,
            trips_per_driver=trips_per_driver,
            progress=lambda share, doing: progress.update(task, completed=share, description=doing),
        )
    console.print(
        f"{summary.trips:,} trips of {summary.drivers:,} drivers, {summary.samples:,} events, "
        f"{summary.conflicts:,} trips with a conflict: {output}, {labels_path(output)}"
    )
    if as_json:
        typer.echo(json.dumps({**asdict(summary), "output": str(output), "labels": str(labels_path(output))}))
