"""How ingestion goes: what was published, what can be queried, and what each supervisor says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from druid_specs.client import DruidClient
from druid_specs.desired import DataSource


@dataclass(frozen=True)
class IngestionStatus:
    """Of one data source.

    Attributes
    ----------
    data_source, topic
        Their full names.
    state
        Of the supervisor: Druid's word, or ``MISSING``.
    is_healthy
        By Druid's own account.
    lag
        Messages that Druid's tasks have not read, as of its last look, up to half a minute ago; null while it does not
        know.
    published
        Messages that the topic holds, up to its end offsets; null where there is no such topic.
    rows
        That can be queried, counted after ``published`` was.
    behind
        Published, and not there as a row; null for a roll-up, and without a topic. More than 0 when the lag is 0 is
        a loss, or retention; less, since a compacted topic forgets what Druid keeps, is 0.
    unparseable
        Messages that running tasks could not read.
    last_error
        The newest that the supervisor reports, on one line.
    """

    data_source: str
    topic: str
    state: str
    is_healthy: bool
    lag: int | None
    published: int | None
    rows: int
    behind: int | None
    unparseable: int
    last_error: str | None


def ingestion_status(
    client: DruidClient, desired: Sequence[DataSource], count_published: Callable[[str], int | None]
) -> list[IngestionStatus]:
    """Look at each data source.

    Parameters
    ----------
    client
        Of Druid.
    desired
        The data sources.
    count_published
        Tells how many messages a topic holds; null when it can't.

    Raises
    ------
    DruidUnavailableError, DruidRefusedError
        If Druid does not answer.
    """
    return [_status(client, source, count_published(source.topic)) for source in desired]


def _status(client: DruidClient, source: DataSource, published: int | None) -> IngestionStatus:
    payload = client.supervisor_status(source.name)
    rows = client.row_count(source.name)
    if payload is None:
        return IngestionStatus(
            source.name, source.topic, "MISSING", is_healthy=False, lag=None, published=published, rows=rows,
            behind=None, unparseable=0, last_error="there is no supervisor: `driver-score druid apply` creates it",
        )  # fmt: skip
    behind = None if source.is_rolled_up or published is None else max(0, published - rows)
    errors = payload.get("recentErrors") or []
    return IngestionStatus(
        source.name,
        source.topic,
        payload.get("detailedState") or payload["state"],
        is_healthy=bool(payload.get("healthy")),
        lag=payload.get("aggregateLag"),
        published=published,
        rows=rows,
        behind=behind,
        unparseable=_unparseable(client, source.name),
        last_error=" ".join(str(errors[-1].get("message")).split()) if errors else None,
    )


def _unparseable(client: DruidClient, data_source: str) -> int:
    """Add up what the running tasks have counted."""
    groups = client.supervisor_stats(data_source).values()
    totals = [task["totals"]["buildSegments"] for tasks in groups for task in tasks.values() if "totals" in task]
    return sum(int(total.get("unparseable", 0)) for total in totals)
