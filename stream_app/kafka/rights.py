"""Rights of this client's principal, as brokers tell them: what is missing is said before it fails."""

from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient

from stream_app.kafka.clients import ANSWER_TIMEOUT_S
from stream_app.kafka.errors import AuthorizationError

log = structlog.get_logger(__name__)

_DENIED = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}


def require_topic_rights(admin: AdminClient, *, reads: Iterable[str] = (), writes: Iterable[str] = ()) -> None:
    """Check the rights on topics, given by their full names.

    Brokers without an authorizer, and services that don't tell rights, pass: a denied request is an error later.

    Raises
    ------
    AuthorizationError
        If a right is missing.
    """
    needed: dict[str, list[AclOperation]] = {}
    for operation, topics in ((AclOperation.READ, reads), (AclOperation.WRITE, writes)):
        for topic in topics:
            needed.setdefault(topic, []).append(operation)
    if not needed:
        return
    collection = TopicCollection(list(needed))
    futures = admin.describe_topics(collection, include_authorized_operations=True, request_timeout=ANSWER_TIMEOUT_S)
    for topic, future in futures.items():
        allowed = _allowed(future, "topic", topic, "DESCRIBE")
        for operation in needed[topic]:
            if allowed and operation not in allowed:
                raise AuthorizationError(operation.name, "topic", topic)


def require_group_right(admin: AdminClient, group: str) -> None:
    """Check the right to be a member of a consumer group.

    Raises
    ------
    AuthorizationError
        If it is missing.
    """
    futures = admin.describe_consumer_groups(
        [group], include_authorized_operations=True, request_timeout=ANSWER_TIMEOUT_S
    )
    allowed = _allowed(futures[group], "group", group, "READ")
    if allowed and AclOperation.READ not in allowed:
        raise AuthorizationError("READ", "group", group)


def is_hidden(admin: AdminClient, topic: str) -> bool:
    """Return whether brokers don't tell if there is a topic, as the right DESCRIBE is missing."""
    future = admin.describe_topics(TopicCollection([topic]), request_timeout=ANSWER_TIMEOUT_S)[topic]
    try:
        future.result()
    except KafkaException as error:
        return bool(error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED)
    return False


def _allowed(future: "Future[Any]", kind: str, name: str, denied_right: str) -> list[AclOperation]:
    """Return the allowed operations; none where brokers don't tell."""
    try:
        return list(future.result().authorized_operations or [])
    except KafkaException as error:
        if error.args[0].code() in _DENIED:
            raise AuthorizationError(denied_right, kind, name) from error
        log.info("rights are not checked", kind=kind, name=name, reason=error.args[0].str())
        return []
