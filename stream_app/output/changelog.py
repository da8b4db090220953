"""Rows of tables onto their changelog topics, confirmed."""

from schemas.settings import KafkaSettings
from stream_app.output.producer import DeliveryFailures, create_producer, enqueue


class ChangelogWriter:
    """Writes rows to changelogs, in order within a partition.

    Parameters
    ----------
    kafka
        Where Kafka is.
    properties
        Further properties of librdkafka's producer.
    """

    def __init__(self, kafka: KafkaSettings, properties: dict[str, str]) -> None:
        self._failures = DeliveryFailures()
        limits = {"message.max.bytes": kafka.max_message_bytes, "delivery.report.only.error": True}
        self._producer = create_producer(kafka, {**limits, **properties})

    def write(self, changelog: str, partition: int, key: bytes, value: bytes | None) -> None:
        """Write a row to a changelog, given by its full name; a null value deletes the row."""
        enqueue(self._producer, changelog, key, value, partition=partition, on_delivery=self._failures.report)

    def confirm(self, timeout_s: float) -> None:
        """Wait until the broker has confirmed all rows.

        Raises
        ------
        DeliveryError
            When it has not.
        """
        self._failures.raise_for(self._producer.flush(timeout_s), timeout_s)
