"""What this worker knows of the partitions that it reads: whether it hears of them, and where they end.

Time alone does not tell that a partition is silent: the worker may have been paused, the broker away, or another
worker may be the partition's owner by now. So the broker is asked.
"""

import time
from typing import Final

from aiokafka.errors import KafkaError
from faust.types import TP

from stream_app.faust_bridge.batch_consumer import BatchApp

_HEARD_MS: Final = 10_000
"""Fetches are answered within a tenth of a second where there is nothing to fetch; ten seconds without an answer are
an outage."""


class SourcePartitions:
    """The partitions of a topic that are this worker's.

    Parameters
    ----------
    app
        The application that reads them.
    topic
        Full name of the topic.
    """

    def __init__(self, app: BatchApp, topic: str) -> None:
        self._app = app
        self._topic = topic

    @property
    def reads(self) -> bool:
        """Whether partitions are this worker's now, with tables restored."""
        return self._app.consumer.reads

    async def heard(self) -> set[int]:
        """Give those of which the broker has answered a fetch lately; none while partitions are being moved."""
        if not self.reads:
            return set()
        return set(await self._app.consumer._thread.call_thread(self._answered))  # noqa: SLF001

    async def _answered(self) -> list[int]:
        """Run on the consumer's thread, where the assignment does not change meanwhile."""
        consumer = self._app.consumer._thread._ensure_consumer()  # noqa: SLF001
        oldest_ms = time.time() * 1000 - _HEARD_MS
        return [
            tp.partition
            for tp in consumer.assignment()
            if tp.topic == self._topic and (consumer.last_poll_timestamp(tp) or 0) >= oldest_ms
        ]

    async def silent_after(self, partition: int) -> int | None:
        """Give the offset of a partition's last record, if all is committed.

        Null where there are more records, nothing was ever committed, the broker does not answer, or another worker
        owns the partition: the committed offset is committed again, which the broker takes of the owner only.
        """
        tp = TP(self._topic, partition)
        consumer = self._app.consumer
        committed = consumer._committed_offset.get(tp)  # noqa: SLF001 - Faust has no public name for it
        if not committed:
            return None
        try:
            end = (await consumer.highwaters(tp))[tp]
        except KafkaError:
            return None
        if end > committed or not await consumer._thread.commit({tp: committed}):  # noqa: SLF001
            return None
        return int(committed) - 1
