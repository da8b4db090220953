"""Whether a broker answers: asked every few seconds."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

log = structlog.get_logger(__name__)

WATCH_S: Final = 5.0
"""A third of a scrape interval: each scrape sees a fresh answer."""

_ANSWER_S: Final = 3.0


async def watch_broker(
    bootstrap: str, client_config: dict[str, str], topic: str, report: Callable[[bool], None]
) -> None:
    """Report every `WATCH_S` whether a broker answers, until cancelled.

    It has a connection of its own, as other clients just wait while a broker is down.

    Parameters
    ----------
    bootstrap
        Addresses of the brokers.
    client_config
        Further settings of confluent-kafka.
    topic
        One that exists: a broker may create what it is asked about.
    report
        Called with each answer.
    """
    client = AdminClient({**client_config, "bootstrap.servers": bootstrap, "log_level": 0})
    available = True
    while True:
        answered = await asyncio.to_thread(_answers, client, topic)
        report(answered)
        if answered != available:
            log.warning("broker answers again" if answered else "no broker answers", bootstrap=bootstrap)
        available = answered
        await asyncio.sleep(WATCH_S)


def _answers(client: AdminClient, topic: str) -> bool:
    try:
        metadata = client.list_topics(topic, timeout=_ANSWER_S)
    except KafkaException:
        return False
    return bool(metadata.brokers)
