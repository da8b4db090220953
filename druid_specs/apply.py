"""Plan and make the changes that bring Druid to the desired state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from druid_specs.client import DruidClient
from druid_specs.differences import differences
from druid_specs.specs.desired import DataSource
from druid_specs.specs.first_row import first_row_task

Part = Literal["supervisor", "retention", "compaction", "first row"]


@dataclass(frozen=True)
class Change:
    """One thing to create or to change in Druid.

    Attributes
    ----------
    data_source
        Its full name.
    part
        Which part of it.
    is_new
        Whether Druid has none yet.
    details
        What differs, a line each; empty when it is new.
    make
        Makes the change.
    """

    data_source: str
    part: Part
    is_new: bool
    details: tuple[str, ...]
    make: Callable[[], None]


def plan_changes(client: DruidClient, desired: Sequence[DataSource]) -> list[Change]:
    """Compare Druid with what is desired; nothing is changed.

    Other data sources of Druid are not touched.

    Returns
    -------
    list of Change
        Empty if Druid is as desired.

    Raises
    ------
    DruidUnavailableError, DruidRefusedError
        If Druid does not return its current state.
    """
    return [change for source in desired for change in _changes(client, source)]


def plan_first_rows(client: DruidClient, desired: Sequence[DataSource]) -> list[Change]:
    """Find the data sources that SQL does not know yet, as they have no row; see `druid_specs.specs.first_row`.

    Raises
    ------
    DruidUnavailableError, DruidRefusedError
        If Druid does not return its current state.
    """
    return [
        Change(
            source.name,
            "first row",
            is_new=True,
            details=(),
            make=partial(client.post_task, first_row_task(source.supervisor)),
        )
        for source in desired
        if not client.is_known(source.name)
    ]


def _changes(client: DruidClient, source: DataSource) -> list[Change]:
    supervisor = client.supervisor(source.name)
    # A supervisor that an operator suspended stays so.
    wanted = {**source.supervisor, "suspended": bool(supervisor and supervisor.get("suspended"))}
    compared: list[tuple[Part, Any, Any, Callable[[], None]]] = [
        ("supervisor", supervisor, wanted, lambda: client.post_supervisor(wanted)),
        ("retention", client.rules(source.name), source.rules, lambda: client.post_rules(source.name, source.rules)),
        (
            "compaction",
            client.compaction(source.name),
            source.compaction,
            lambda: client.post_compaction(source.compaction),
        ),
    ]
    changes = []
    for part, current, target, make in compared:
        if not current:
            changes.append(Change(source.name, part, is_new=True, details=(), make=make))
        elif details := tuple(differences(current, target)):
            changes.append(Change(source.name, part, is_new=False, details=details, make=make))
    return changes
