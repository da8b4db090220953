"""Start, watch and stop the stack: processes that outlive the command that started them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

from driver_score.local_stack.members import Member
from driver_score.local_stack.records import ProcessRecords, stop_processes
from driver_score.local_stack.server_process import LOOPBACK, ServerProcess, listens, start_all
from schemas.errors import DriverScoreError


class PortTakenError(DriverScoreError):
    """The port of a server is in use."""

    def __init__(self, name: str, port: int, setting: str) -> None:
        super().__init__(
            f"{name} can't start: something listens on {LOOPBACK}:{port} already. Stop that, or choose another port "
            f"with DRIVER_SCORE_STACK__{setting}."
        )


@dataclass(frozen=True)
class MemberState:
    """State of a server of the stack: its process id, if it runs, and whether it is ready."""

    name: str
    state: Literal["running", "not answering", "stopped"]
    pid: int | None
    address: str
    log: str


def start_stack(
    members: Sequence[Member], folder: Path, on_started: Callable[[Member], None], on_running: Callable[[Member], None]
) -> None:
    """Start the servers that do not run yet; they outlive this process.

    Parameters
    ----------
    members
        Of the stack.
    folder
        Where the process ids are recorded.
    on_started, on_running
        Called for each server that was started and is ready, and for each that was running already.

    Raises
    ------
    PortTakenError
        If a port is not free; nothing is started then.
    ServerFailedError
        If a server ends or is not ready in time; the servers started by this call are stopped.
    """
    records = _records(folder)
    running = records.running()
    stopped = [member for member in members if member.name not in running]
    for member in members:
        if member.name in running:
            on_running(member)
    for member in stopped:
        for port, setting in member.ports.items():
            if listens(port):
                raise PortTakenError(member.name, port, setting)
    by_server = {member.server: member for member in stopped}

    def record(server: ServerProcess) -> None:
        if server.pid is not None:
            records.add(by_server[server].name, server.pid)

    start_all(
        [member.server for member in stopped],
        detached=True,
        on_spawned=record,
        on_started=lambda server: on_started(by_server[server]),
    )


def stop_stack(members: Sequence[Member], folder: Path, on_stopped: Callable[[str], None]) -> None:
    """Stop what runs of the stack, in order; data stays. No effect if nothing runs.

    Parameters
    ----------
    members
        Of the stack.
    folder
        As for `start_stack`.
    on_stopped
        Called with each name.
    """
    records = _records(folder)
    running = records.running()
    order = {member.name: member.stop_order for member in members}

    def place(name: str) -> int:
        return order.get(name, 0)  # servers that the settings no longer have stop first

    for _, names in groupby(sorted(running, key=place), key=place):
        together = list(names)
        stop_processes([running[name] for name in together])
        for name in together:
            records.remove(name)
            on_stopped(name)


def stack_states(members: Sequence[Member], folder: Path) -> list[MemberState]:
    """Return the state of each server."""
    running = _records(folder).running()
    return [_state(member, running[member.name].pid if member.name in running else None) for member in members]


def _state(member: Member, pid: int | None) -> MemberState:
    if pid is None:
        return MemberState(member.name, "stopped", None, member.address, str(member.server.log_path))
    answers = member.server.answers()
    return MemberState(
        member.name, "running" if answers else "not answering", pid, member.address, str(member.server.log_path)
    )


def _records(folder: Path) -> ProcessRecords:
    return ProcessRecords(folder / "processes.json")
