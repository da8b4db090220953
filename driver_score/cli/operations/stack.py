"""``driver-score stack``: Kafka, Druid, Prometheus, Alertmanager and a worker on this machine."""

import json
import subprocess
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from driver_score.cli.trips.trip_file_options import JsonOption
from driver_score.local_stack.lifecycle import stack_states, start_stack, stop_stack
from driver_score.local_stack.members import Member, stack_members
from driver_score.local_stack.server_process import log_tail
from schemas.errors import DriverScoreError, ExitStatus
from schemas.settings import Settings, load_settings

stack: Final = typer.Typer(help="Run all servers on this machine, without Docker.", no_args_is_help=True)


class UnknownMemberError(DriverScoreError):
    """The stack has no server of this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"the stack has no {name!r}. It has: {', '.join(known)}.")


@stack.command()
def up() -> None:
    """Start all servers that do not run yet, and wait until they are ready."""
    settings = load_settings()
    members = stack_members(settings)
    console = Console(stderr=True, highlight=False)
    left = {member.name for member in members}
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=None)

        def report(member: Member, said: str) -> None:
            left.discard(member.name)
            console.print(f"{member.name:<18} {said:<16} {member.address}", markup=False, soft_wrap=True)
            progress.update(task, description=f"waiting for {', '.join(sorted(left))}")

        start_stack(
            members,
            settings.stack.folder,
            on_started=lambda member: report(member, "started"),
            on_running=lambda member: report(member, "already running"),
        )
    _show_variables(settings, console)


@stack.command()
def status(*, as_json: JsonOption = False) -> None:
    """Show state, process id and address of each server; --json includes its log."""
    settings = load_settings()
    states = stack_states(stack_members(settings), settings.stack.folder)
    if as_json:
        typer.echo(json.dumps([asdict(state) for state in states]))
    else:
        table = Table("server", "state", "pid", "address")
        for state in states:
            table.add_row(state.name, state.state, str(state.pid or "-"), state.address)
        Console(highlight=False).print(table)
    if any(state.state != "running" for state in states):
        raise typer.Exit(ExitStatus.NEEDS_ATTENTION)


@stack.command()
def logs(
    name: Annotated[str, typer.Argument(help="Name of a server, as in `stack status`.")],
    *,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="Number of lines.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the log until Ctrl-C.")] = False,
) -> None:
    """Show the end of a server's log."""
    paths = {member.name: member.server.log_path for member in stack_members(load_settings())}
    if name not in paths:
        raise UnknownMemberError(name, list(paths))
    typer.echo(f"{paths[name]}:", err=True)
    if follow:
        subprocess.run(["tail", "-n", str(lines), "-F", str(paths[name])], check=False)  # noqa: S603, S607
    elif paths[name].exists():
        typer.echo("\n".join(log_tail(paths[name], lines)))


@stack.command()
def down() -> None:
    """Stop all servers and keep their data."""
    settings = load_settings()
    console = Console(stderr=True, highlight=False)
    stopped: list[str] = []

    def report(name: str) -> None:
        stopped.append(name)
        console.print(f"{name:<18} stopped")

    with console.status("stopping"):
        stop_stack(stack_members(settings), settings.stack.folder, report)
    if not stopped:
        console.print("nothing is running")


def _show_variables(settings: Settings, console: Console) -> None:
    """Print the variables that other commands need for servers on other ports than the defaults."""
    here = {
        "DRIVER_SCORE_KAFKA__BOOTSTRAP": (settings.kafka.bootstrap, f"127.0.0.1:{settings.stack.kafka_port}"),
        "DRIVER_SCORE_DRUID__URL": (settings.druid.url, f"http://127.0.0.1:{settings.stack.druid_port}"),
    }
    for variable, (is_set, needed) in here.items():
        if is_set.rstrip("/") != needed:
            console.print(f"export {variable}={needed}", markup=False, soft_wrap=True)
