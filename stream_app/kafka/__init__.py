"""Kafka without Faust, for every component: topics are created and checked, counted, and the broker watched."""

from stream_app.kafka.broker_watch import watch_broker
from stream_app.kafka.end_offsets import EndOffsets
from stream_app.kafka.errors import BrokerUnavailableError, TopicError
from stream_app.kafka.source_logs import SourceLog, SourceLogs, TopicIdentity
from stream_app.kafka.topic_sizes import TopicSizes
from stream_app.kafka.topics import TopicOutcome, create_topics, require_topics

__all__ = [
    "BrokerUnavailableError",
    "EndOffsets",
    "SourceLog",
    "SourceLogs",
    "TopicError",
    "TopicIdentity",
    "TopicOutcome",
    "TopicSizes",
    "create_topics",
    "require_topics",
    "watch_broker",
]
