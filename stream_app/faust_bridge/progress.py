"""How far a Faust application is: offsets of its partitions, and its place in the consumer group."""

from stream_app.faust_bridge.app import BatchApp
from stream_app.telemetry.health import GroupState
from stream_app.telemetry.lag import Position, TopicPartition


def committed_positions(app: BatchApp, topics: frozenset[str]) -> dict[TopicPartition, Position]:
    """Read the positions of the assigned partitions; those of which nothing is known yet are left out.

    Parameters
    ----------
    app
        An application that has started.
    topics
        Full names of the topics that it consumes: changelogs have no lag.
    """
    consumer = app.consumer
    positions = {}
    for tp in list(consumer.assignment()):
        if tp.topic not in topics:
            continue
        end = consumer.highwater(tp)
        committed = consumer.committed(tp)
        if committed is None or committed < 0:
            committed = 0  # never committed: all of the partition is ahead
        if end is not None:
            positions[TopicPartition(tp.topic, tp.partition)] = Position(committed, end)
    return positions


def group_state(app: BatchApp) -> GroupState:
    """Read the place in the group of an application that has started; in its event loop."""
    if app.tables.actives_ready:  # false before the first assignment, and during each rebalance and recovery
        return GroupState(has_recovered=True, records_to_restore=0)
    return GroupState(has_recovered=False, records_to_restore=app.tables.recovery.active_remaining_total())
