"""Client of Druid and desired data sources, made from the settings."""

from typing import Any

from druid_specs.client import DruidClient
from druid_specs.specs.desired import DataSource, Installation, desired_data_sources
from druid_specs.specs.files import SPECS_DIR
from schemas.settings import Settings

JAAS_VARIABLE = "DRIVER_SCORE_DRUID_JAAS_CONFIG"
"""Environment variable of Druid's own processes that holds the login to Kafka, so that no spec holds a password."""


def druid_client(settings: Settings) -> DruidClient:
    """Return a client of the Druid of the settings."""
    druid = settings.druid
    return DruidClient(druid.url, credentials=druid.credentials(), timeout_s=druid.timeout_s)


def data_sources(settings: Settings) -> list[DataSource]:
    """Return the desired data sources.

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
