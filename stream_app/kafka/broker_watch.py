"""Whether a broker answers: asked every few seconds."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from schemas.settings import KafkaSettings
from stream_app.kafka.clients import KafkaAdmin
from stream_app.kafka.errors import KafkaAccessError

log = structlog.get_logger(__name__)

WATCH_S: Final = 5.0
"""A third of a scrape interval: each scrape sees a fresh answer."""

_ANSWER_S: Final = 3.0


async def watch_broker(kafka: KafkaSettings, topic: str, report: Callable[[bool], None]) -> None:
    """Report every `WATCH_S` whether a broker answers, until cancelled.

    It has a connection of its own, as other clients just wait while a broker is down.

    Parameters
    ----------
    kafka
        Where Kafka is.
    topic
        One that exists: a broker may create what it is asked about.
    report
        Called with each answer.
    """
    client = await asyncio.to_thread(KafkaAdmin, kafka)
    available = True
    while True:
        problem = await asyncio.to_thread(_problem, client, topic)
        report(problem is None)
        if problem is not None and available:
            log.warning("no broker answers", bootstrap=kafka.bootstrap, reason=problem)
        elif problem is None and not available:
            log.warning("broker answers again", bootstrap=kafka.bootstrap)
        available = problem is None
        await asyncio.sleep(WATCH_S)


def _problem(client: KafkaAdmin, topic: str) -> str | None:
    try:
        metadata = client.metadata(topic, timeout_s=_ANSWER_S)
    except KafkaAccessError as error:
        return str(error)
    return None if metadata.brokers else "the cluster has no broker"
