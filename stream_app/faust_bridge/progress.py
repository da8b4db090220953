"""How far a Faust application is: offsets of its partitions, and its place in the consumer group."""

from collections.abc import Mapping

from faust.types import TP

from stream_app.faust_bridge.app import BatchApp
from stream_app.telemetry.health import GroupState
from stream_app.telemetry.lag import Position, TopicPartition


def assigned_partitions(app: BatchApp, topics: frozenset[str]) -> list[TopicPartition]:
    """List the assigned partitions of topics; none before the application has started to consume."""
    return [TopicPartition(tp.topic, tp.partition) for tp in app.consumer.assignment() if tp.topic in topics]


def committed_positions(
    app: BatchApp, topics: frozenset[str], ends: Mapping[tuple[str, int], int]
) -> dict[TopicPartition, Position]:
    """Read the positions of the assigned partitions; those of which nothing is known yet are left out.

    Parameters
    ----------
    app
        An application that has started.
    topics
        Full names of the topics that it consumes: changelogs have no lag.
    ends
        End offsets as the brokers told them. The consumer learns them from what it fetches: where it fetches nothing,
        they would never move.
    """
    consumer = app.consumer
    positions = {}
    for assigned in assigned_partitions(app, topics):
        tp = TP(*assigned)
        known = [end for end in (consumer.highwater(tp), ends.get(assigned)) if end is not None]
        committed = consumer.committed(tp)
        if committed is None or committed < 0:
            committed = 0  # never committed: all of the partition is ahead
        if known:
            positions[assigned] = Position(committed, max(known), consumer.next_to_read(tp))
    return positions


def group_state(app: BatchApp, topics: frozenset[str]) -> GroupState:
    """Read the place in the group of an application that has started; in its event loop."""
    partitions = len(assigned_partitions(app, topics))
    if app.tables.actives_ready:  # false before the first assignment, and during each rebalance and recovery
        return GroupState(has_recovered=True, records_to_restore=0, partitions=partitions)
    left = app.tables.recovery.active_remaining_total()
    return GroupState(has_recovered=False, records_to_restore=left, partitions=partitions)
