"""Topics that others created: whether their settings are what the pipeline needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from schemas.topics import SCORES_BY_DRIVER, TRIP_EVENTS, TopicSpec
from stream_app.kafka.clients import ANSWER_TIMEOUT_S
from stream_app.kafka.errors import VARIABLE, TopicError

log = structlog.get_logger(__name__)

_SOURCES: Final = frozenset({TRIP_EVENTS.name, SCORES_BY_DRIVER.name})
"""Topics that a worker reads from where it stopped: what expires before is lost."""


@dataclass(frozen=True)
class Difference:
    """A setting of a topic that differs from what the pipeline needs.

    Attributes
    ----------
    topic, setting
        Full name of the topic, and Kafka's name of the setting.
    found, wanted
        Its value, and what it should be.
    effect
        What it leads to.
    loses_data
        Whether the pipeline must not run on it.
    """

    topic: str
    setting: str
    found: str
    wanted: str
    effect: str
    loses_data: bool = False

    def __str__(self) -> str:
        return f"topic {self.topic}: {self.setting} is {self.found}, not {self.wanted}: {self.effect}"


def settings_differences(admin: AdminClient, prefix: str, specs: Sequence[TopicSpec]) -> list[Difference]:
    """Compare the settings of topics that exist with what they should be.

    Where brokers don't tell the settings, as the right DESCRIBE_CONFIGS is missing, a warning is logged.

    Parameters
    ----------
    admin
        A connected client.
    prefix
        Of the topics' names.
    specs
        What they should be.
    """
    if not specs:
        return []
    resources = {ConfigResource(ResourceType.TOPIC, prefix + spec.name): spec for spec in specs}
    futures = admin.describe_configs(list(resources), request_timeout=ANSWER_TIMEOUT_S)
    differences: list[Difference] = []
    unknown: dict[str, str] = {}
    for resource, future in futures.items():
        try:
            found = {name: entry.value for name, entry in future.result().items()}
        except KafkaException as error:
            is_denied = error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
            unknown[resource.name] = "the right DESCRIBE_CONFIGS is missing" if is_denied else error.args[0].str()
            continue
        differences += _differences(resource.name, resources[resource], found)
    if unknown:
        log.warning("settings of topics are not checked", topics=sorted(unknown), reason=next(iter(unknown.values())))
    return differences


def _differences(topic: str, spec: TopicSpec, found: dict[str, str]) -> list[Difference]:
    differences = []
    policy = set(found.get("cleanup.policy", spec.cleanup_policy).replace(" ", "").split(","))
    if policy != {spec.cleanup_policy}:
        text = ",".join(sorted(policy))
        if spec.is_changelog and "delete" in policy:
            effect, loses_data = "stored states of open trips would expire", True
        elif spec.name in _SOURCES and "compact" in policy:
            effect, loses_data = "events would be deleted before they are read", True
        else:
            effect, loses_data = "readers miss messages, or the topic grows without limit", False
        differences.append(Difference(topic, "cleanup.policy", text, spec.cleanup_policy, effect, loses_data))
    size = int(found.get("max.message.bytes", spec.max_message_bytes))
    if size < spec.max_message_bytes:
        effect = f"larger messages are refused; raise it, or set {VARIABLE}MAX_MESSAGE_BYTES to {size}"
        wanted = f"{spec.max_message_bytes} or more"
        differences.append(Difference(topic, "max.message.bytes", str(size), wanted, effect))
    retention_ms = int(found.get("retention.ms", -1))
    if spec.name in _SOURCES and spec.retention_ms is not None and 0 <= retention_ms < spec.retention_ms:
        effect = "events are lost if workers are stopped for longer"
        wanted = f"{spec.retention_ms} or more"
        differences.append(Difference(topic, "retention.ms", str(retention_ms), wanted, effect))
    return differences


def raise_where_data_is_lost(differences: Sequence[Difference]) -> None:
    """Raise for the first difference that the pipeline must not run on.

    Raises
    ------
    TopicError
        For that topic.
    """
    for one in differences:
        if one.loses_data:
            raise TopicError(
                one.topic,
                f"{one.setting} is {one.found}, not {one.wanted}: {one.effect}",
                remedy=f"Set {one.setting} of the topic to {one.wanted}",
            )
