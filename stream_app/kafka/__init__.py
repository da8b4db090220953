"""Kafka without Faust, for every component: clients and their errors, topics, and whether a broker answers."""

from stream_app.kafka.broker_watch import watch_broker
from stream_app.kafka.clients import KafkaAdmin, KafkaConsumer, KafkaProducer, explain_failure
from stream_app.kafka.end_offsets import EndOffsets
from stream_app.kafka.errors import (
    AuthenticationError,
    AuthorizationError,
    BrokerUnavailableError,
    GroupJoinError,
    KafkaAccessError,
    SecurityProtocolError,
    TlsError,
    TokenError,
    TopicError,
)
from stream_app.kafka.rights import require_group_right, require_topic_rights
from stream_app.kafka.source_logs import SourceLog, SourceLogs, TopicIdentity
from stream_app.kafka.topic_reader import TopicReader
from stream_app.kafka.topic_sizes import TopicSizes
from stream_app.kafka.topics import TopicOutcome, create_topics, require_topics

__all__ = [
    "AuthenticationError",
    "AuthorizationError",
    "BrokerUnavailableError",
    "EndOffsets",
    "GroupJoinError",
    "KafkaAccessError",
    "KafkaAdmin",
    "KafkaConsumer",
    "KafkaProducer",
    "SecurityProtocolError",
    "SourceLog",
    "SourceLogs",
    "TlsError",
    "TokenError",
    "TopicError",
    "TopicIdentity",
    "TopicOutcome",
    "TopicReader",
    "TopicSizes",
    "create_topics",
    "explain_failure",
    "require_group_right",
    "require_topic_rights",
    "require_topics",
    "watch_broker",
]
