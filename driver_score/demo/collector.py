"""Consumes the output topics of the worker while it runs."""

import json
import threading
import uuid
from collections import deque
from typing import Any, Final

import polars as pl
from confluent_kafka import TopicPartition

from schemas.settings import KafkaSettings
from schemas.topics import DRIVER_PROFILES, DRIVER_SCORES, TRIP_ALERTS
from stream_app.kafka import KafkaConsumer

_TOPICS: Final = (DRIVER_SCORES.name, TRIP_ALERTS.name, DRIVER_PROFILES.name)
_LATEST: Final = 6
_POLL_S: Final = 0.2
_POLL_MESSAGES: Final = 5_000


class Collector:
    """Consumes scores, alerts and profiles in its own thread.

    Parameters
    ----------
    kafka
        Where the broker is, and the number of partitions of each topic.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._consumer = KafkaConsumer(kafka, {"group.id": uuid.uuid4().hex})
        self._consumer.assign([TopicPartition(topic, part, 0) for topic in _TOPICS for part in range(kafka.partitions)])
        self._values: dict[str, list[bytes]] = {topic: [] for topic in _TOPICS}
        self._riskiest: dict[tuple[str, str], dict[str, Any]] = {}
        self._latest: deque[dict[str, Any]] = deque(maxlen=_LATEST)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._collect, name="collector", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def counts(self) -> dict[str, int]:
        """Return the number of consumed messages per topic."""
        with self._lock:
            return {topic: len(values) for topic, values in self._values.items()}

    def latest(self) -> list[dict[str, Any]]:
        """Return the latest trip scores, newest first."""
        with self._lock:
            return list(reversed(self._latest))

    def riskiest(self, count: int) -> list[dict[str, Any]]:
        """Return the trips with the lowest scores."""
        with self._lock:
            return sorted(self._riskiest.values(), key=lambda score: score["score"])[:count]

    def frame(self, topic: str) -> pl.DataFrame:
        """Return all messages of a topic, one row each."""
        with self._lock:
            values = self._values[topic]
            return pl.read_ndjson(b"\n".join(values), infer_schema_length=None) if values else pl.DataFrame()

    def _collect(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(_POLL_MESSAGES, _POLL_S):
                value = message.value()
                if message.error() is not None or value is None:
                    continue
                with self._lock:
                    self._values[message.topic()].append(value)
                    if message.topic() == DRIVER_SCORES.name:
                        self._note(json.loads(value))

    def _note(self, score: dict[str, Any]) -> None:
        if score["kind"] != "trip" or score["score"] is None:
            return
        self._latest.append(score)
        self._riskiest[score["vehicle_id"], score["trip_id"]] = score
