"""Sends a known stream, share by share, and parts of it again."""

import threading
import time
from typing import Final

import polars as pl
from confluent_kafka import KafkaError, Message, Producer

from driver_score.replay import event_messages
from tests.chaos.known_stream import KnownStream

_LOOK_S: Final = 0.02
_BURST: Final = 2_000
_CONFIRM_S: Final = 300.0


class Sender(threading.Thread):
    """Sends a stream at a steady pace, but never more than the share that is released, and nothing while it is held.

    Brokers may stop and start meanwhile: an idempotent producer repeats and reorders nothing.
    """

    def __init__(self, stream: KnownStream, *, bootstrap: str, topic: str, messages_per_s: float) -> None:
        super().__init__(name="sender", daemon=True)
        self._stream = stream
        self._brokers = bootstrap
        self._topic = topic
        self._messages_per_s = messages_per_s
        self._released = 0.0
        self._stopped = threading.Event()
        self._may_send = threading.Lock()
        self.sent = 0
        self.failures: list[str] = []
        self._producer = self._connect()

    def _connect(self) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self._brokers,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 20,
                "message.timeout.ms": int(_CONFIRM_S * 1000),
                "delivery.report.only.error": True,
                "on_delivery": self._on_failure,
                "log_level": 0,
            }
        )

    def release(self, share: float) -> None:
        """Send the stream up to this share of it."""
        self._released = share

    def stop(self) -> None:
        """Send nothing more."""
        self._stopped.set()

    def hold(self) -> None:
        """Send nothing until `resume`; return once all that was sent is confirmed."""
        self._may_send.acquire()
        self._flush()

    def resume(self) -> None:
        """Send again; with a new producer, which knows nothing of a topic or of partitions of before."""
        self._producer = self._connect()
        self._may_send.release()

    def send_again(self, plan: pl.DataFrame) -> int:
        """Send a part of the stream while it is held, and return its number of messages, all confirmed."""
        self._producer = self._connect()
        count = 0
        for messages in event_messages(plan, copies=self._stream.copies):
            for key, content in zip(messages.keys, messages.values, strict=True):
                self._produce(key, content)
            count += len(messages.values)
        self._flush()
        return count

    def run(self) -> None:
        """Send everything, and wait until it is confirmed."""
        started = time.monotonic()
        waited_s = 0.0
        for messages in event_messages(self._stream.plan, copies=self._stream.copies):
            for begin in range(0, len(messages.values), _BURST):
                waited_s += self._wait_for_release()
                due_s = started + waited_s + self.sent / self._messages_per_s
                if self._stopped.wait(max(0.0, due_s - time.monotonic())):
                    return
                asked_s = time.monotonic()
                with self._may_send:
                    waited_s += time.monotonic() - asked_s
                    for key, content in zip(
                        messages.keys[begin : begin + _BURST], messages.values[begin : begin + _BURST], strict=True
                    ):
                        self._produce(key, content)
                        self.sent += 1
        with self._may_send:
            self._flush()

    def _wait_for_release(self) -> float:
        """Wait until more is released; return for how long, in seconds."""
        began_s = time.monotonic()
        while not self._stopped.is_set() and self.sent > self._released * self._stream.messages:
            self._stopped.wait(_LOOK_S)
        return time.monotonic() - began_s

    def _produce(self, key: bytes | None, content: bytes) -> None:
        while True:
            try:
                self._producer.produce(self._topic, content, key)
            except BufferError:
                self._producer.poll(0.1)
            else:
                break
        self._producer.poll(0)

    def _flush(self) -> None:
        if self._producer.flush(_CONFIRM_S):
            self.failures.append("not confirmed in time")

    def _on_failure(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self.failures.append(error.str())
