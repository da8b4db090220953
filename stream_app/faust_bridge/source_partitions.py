"""The assigned partitions of a topic: which were recently polled, and where they end.

Time alone does not tell that a partition is silent: the worker may have been paused, the broker unreachable, or another
worker may own the partition by now. So the broker is asked.
"""

import time
from typing import Final

from aiokafka.errors import KafkaError
from faust.types import TP

from stream_app.faust_bridge.app import BatchApp

_RECENT_MS: Final = 10_000
"""Fetches are answered within a tenth of a second where there is nothing to fetch; ten seconds without an answer are
an outage."""


class SourcePartitions:
    """The partitions of a topic that are assigned to this worker.

    Parameters
    ----------
    app
        The application that consumes them.
    topic
        Full name of the topic.
    """

    def __init__(self, app: BatchApp, topic: str) -> None:
        self._app = app
        self._topic = topic

    @property
    def reads(self) -> bool:
        """Whether partitions are assigned, with tables restored."""
        return bool(self._app.consumer.reads)

    async def recently_polled(self) -> set[int]:
        """Give the partitions that a fetch was recently answered for; none during a rebalance."""
        if not self.reads:
            return set()
        polled = await self._app.consumer.polled_since(time.time() * 1000 - _RECENT_MS)
        return {tp.partition for tp in polled if tp.topic == self._topic}

    async def silent_after(self, partition: int) -> int | None:
        """Give the offset of a partition's last record, if all records are committed.

        Null where there are more records, nothing was ever committed, the broker does not answer, or another worker
        owns the partition: the committed offset is committed again, which the broker accepts from the owner only.
        """
        tp = TP(self._topic, partition)
        consumer = self._app.consumer
        committed = consumer.committed(tp)
        if not committed:
            return None
        try:
            end = (await consumer.highwaters(tp))[tp]
        except KafkaError:
            return None
        if end > committed or not await consumer.recommit(tp, committed):
            return None
        return int(committed) - 1
