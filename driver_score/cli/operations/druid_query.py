"""``driver-score druid query``: the named queries, for people and for scripts."""

import csv
import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from druid_specs import (
    DruidConnection,
    ParameterValue,
    QueryOptionError,
    QueryResult,
    named_query,
    option_name,
    query_names,
)
from schemas.event_frame import VEHICLE_CLASSES
from schemas.settings import load_settings

_AGO_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class OutputFormat(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def parse_time(text: str, option: str, *, now: datetime) -> datetime:
    """Read a time: ISO 8601 (UTC without an offset), or a duration ago: ``90m``, ``24h``, ``7d``, ``2w``.

    Raises
    ------
    QueryOptionError
        If it is neither.
    """
    amount, unit = text[:-1], text[-1:]
    try:
        if unit in _AGO_UNITS and amount.isdecimal():
            return now - timedelta(**{_AGO_UNITS[unit]: int(amount)})
        time = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise QueryOptionError(
            option, f"{text!r} is not a time: use 2026-03-09, 2026-03-09T08:00+01:00, or 7d for seven days ago"
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def query(
    name: Annotated[str | None, typer.Argument(help="Name of the query; --list shows them.")] = None,
    *,
    list_: Annotated[bool, typer.Option("--list", help="List the queries and the options they take.")] = False,
    client: Annotated[str | None, typer.Option(help="Only this client.")] = None,
    vehicle: Annotated[str | None, typer.Option(help="Only this vehicle.")] = None,
    driver: Annotated[str | None, typer.Option(help="Only this driver.")] = None,
    vehicle_class: Annotated[
        str | None, typer.Option("--class", help=f"Only vehicles of this class: {', '.join(VEHICLE_CLASSES)}.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Start: 2026-03-09, or 7d for seven days ago; by default all.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="End, exclusive; as for --since.")] = None,
    min_km: Annotated[float | None, typer.Option(min=0, help="Minimum distance of a ranked driver, km.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="Maximum number of rows.")] = None,
    output: Annotated[OutputFormat, typer.Option("--format", help="Output format.")] = OutputFormat.TABLE,
) -> None:
    """Run a named query on Druid; an option that is not given filters nothing."""
    if list_ or name is None:
        _print_list()
        return
    if vehicle_class not in {None, *VEHICLE_CLASSES}:
        raise QueryOptionError("class", f"{vehicle_class!r} is not one of {', '.join(VEHICLE_CLASSES)}")
    now = datetime.now(UTC)
    given: dict[str, ParameterValue] = {
        "client": client,
        "vehicle": vehicle,
        "driver": driver,
        "vehicle_class": vehicle_class,
        "since": None if since is None else parse_time(since, "since", now=now),
        "until": None if until is None else parse_time(until, "until", now=now),
        "min_km": min_km,
        "limit": limit,
    }
    asked = named_query(name)
    asked.bind(given)  # invalid options are reported before anything is sent
    druid = load_settings().druid
    password = druid.password.get_secret_value() if druid.password else None
    with DruidConnection(druid.url, user=druid.username, password=password, timeout_s=druid.timeout_s) as connection:
        _WRITERS[output](asked.run(connection, given, data_source_prefix=druid.data_source_prefix))


def _print_list() -> None:
    table = Table("query", "description", "options", show_lines=True)
    for each in map(named_query, query_names()):
        options = ", ".join(map(option_name, dict.fromkeys(each.parameters)))
        table.add_row(each.name, each.description, options)
    Console().print(table)


def _write_table(result: QueryResult) -> None:
    console = Console()
    if not result.rows:
        console.print("no rows")
        return
    table = Table(*result.columns)
    for row in result.rows:
        table.add_row(*("-" if value is None else escape(str(value)) for value in row))
    if console.is_terminal:
        console.print(table)
    else:  # a file or a pipe has no width to fit into
        Console(width=1000).print(table)


def _write_csv(result: QueryResult) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows(result.rows)


def _write_json(result: QueryResult) -> None:
    typer.echo(json.dumps([dict(zip(result.columns, row, strict=True)) for row in result.rows]))


_WRITERS: Final[Mapping[OutputFormat, Callable[[QueryResult], None]]] = {
    OutputFormat.TABLE: _write_table,
    OutputFormat.CSV: _write_csv,
    OutputFormat.JSON: _write_json,
}
