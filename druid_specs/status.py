"""State of ingestion: published messages, rows that can be queried, and each supervisor's status."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from druid_specs.client import DruidClient
from druid_specs.specs.desired import DataSource


@dataclass(frozen=True)
class IngestionStatus:
    """State of ingestion of one data source.

    Attributes
    ----------
    data_source, topic
        Their full names.
    state
        Druid's state of the supervisor, or ``MISSING``.
    is_healthy
        By Druid's own account.
    lag
        Messages that Druid's tasks have not read, as of its last report, up to half a minute ago; null while
        unknown.
    published
        Messages that the topic holds, up to its end offsets; null where there is no such topic.
    rows
        That can be queried, counted after ``published`` was.
    behind
        Published messages that are not rows; null for a roll-up, and without a topic. More than 0 when the lag is 0 is
        a loss, or retention. It is 0 if a compacted topic holds less than Druid.
    unparseable
        Messages that running tasks could not read.
    last_error
        The newest error of the supervisor, on one line.
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
    """Return the state of each data source.

    Parameters
    ----------
    client
        Of Druid.
    desired
        The data sources.
    count_published
        Returns how many messages a topic holds; null if unknown.

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
            behind=None, unparseable=0, last_error="no supervisor: `driver-score druid apply` creates it",
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
    """Return the sum over the running tasks."""
    groups = client.supervisor_stats(data_source).values()
    totals = [task["totals"]["buildSegments"] for tasks in groups for task in tasks.values() if "totals" in task]
    return sum(int(total.get("unparseable", 0)) for total in totals)
