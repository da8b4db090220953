"""Druid as the settings describe it: client, desired data sources, and what the topics hold."""

from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from druid_specs.client import DruidClient
from druid_specs.desired import DataSource, Installation, desired_data_sources
from druid_specs.files import SPECS_DIR
from schemas.settings.settings import KafkaSettings, Settings
from scoring.errors import BrokerUnavailableError
from stream_app.kafka.topics import ANSWER_TIMEOUT_S

JAAS_VARIABLE = "DRIVER_SCORE_DRUID_JAAS_CONFIG"
"""Environment variable of Druid's own processes that holds the login to Kafka, so that no spec holds a password."""


def druid_client(settings: Settings) -> DruidClient:
    """Make the client."""
    druid = settings.druid
    return DruidClient(druid.url, credentials=druid.credentials(), timeout_s=druid.timeout_s)


def data_sources(settings: Settings) -> list[DataSource]:
    """Give what Druid shall do for these settings.

    Raises
    ------
    SpecFileError, SpecMismatchError
        If the specs can't be read, or do not match the messages.
    """
    druid = settings.druid
    installation = Installation(
        _consumer_properties(settings),
        settings.kafka.topic_prefix,
        druid.data_source_prefix,
        druid.task_count,
        druid.replicas,
    )
    return desired_data_sources(installation, druid.specs_dir or SPECS_DIR)


class TopicSizes:
    """Tells how many messages topics hold, from their first to their end offsets.

    Parameters
    ----------
    kafka
        Where they are.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._bootstrap = kafka.bootstrap
        self._consumer = Consumer(
            {**kafka.client_config(), "bootstrap.servers": kafka.bootstrap, "group.id": kafka.group, "log_level": 0}
        )

    def count(self, topic: str) -> int | None:
        """Count the messages of a topic; null when there is no such topic.

        Raises
        ------
        BrokerUnavailableError
            If no broker answers.
        """
        offsets = self._watermarks(topic)
        return None if offsets is None else sum(high - low for low, high in offsets)

    def ever_written(self, topic: str) -> int | None:
        """Count all that a topic ever held, what it has forgotten included; null when there is no such topic.

        Raises
        ------
        BrokerUnavailableError
            If no broker answers.
        """
        offsets = self._watermarks(topic)
        return None if offsets is None else sum(high for _, high in offsets)

    def _watermarks(self, topic: str) -> list[tuple[int, int]] | None:
        try:
            # All topics: asking for one by name would create it where topics are created on demand.
            topics = self._consumer.list_topics(timeout=ANSWER_TIMEOUT_S).topics
            if topic not in topics:
                return None
            return [
                self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ANSWER_TIMEOUT_S)
                for partition in topics[topic].partitions
            ]
        except KafkaException as error:
            raise BrokerUnavailableError(self._bootstrap, cause=error.args[0].str()) from error

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()


def _consumer_properties(settings: Settings) -> dict[str, Any]:
    kafka, druid = settings.kafka, settings.druid
    properties: dict[str, Any] = {"bootstrap.servers": druid.kafka_bootstrap or kafka.bootstrap}
    if kafka.security_protocol != "PLAINTEXT":
        properties["security.protocol"] = kafka.security_protocol
    if kafka.security_protocol.startswith("SASL"):
        properties["sasl.mechanism"] = kafka.sasl_mechanism
        properties["druid.dynamic.config.provider"] = {
            "type": "environment",
            "variables": {"sasl.jaas.config": JAAS_VARIABLE},
        }
    return {**properties, **druid.consumer_properties}
