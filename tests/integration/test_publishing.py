"""What the publisher hands to Kafka: all of it, in order, or a clear error."""

import pytest

from stream_app.kafka.topics import create_topics
from stream_app.output import outputs as publishing
from stream_app.output.outputs import DeliveryError, Publisher
from tests.brokers import RunningBroker
from tests.running_worker import PARTITIONS, Topics

pytestmark = pytest.mark.integration


@pytest.fixture
def topics(native_kafka: RunningBroker, topic_prefix: str) -> Topics:
    create_topics(native_kafka.bootstrap, topic_prefix, PARTITIONS)
    return Topics(native_kafka.bootstrap, topic_prefix)


def test_all_is_delivered_in_order_where_it_is_more_than_can_wait(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "_QUEUED_MESSAGES", 100)
    publisher = Publisher(topics.bootstrap, topics.prefix, {})
    publisher.publish_profiles([(f"drv_{number % 3}", str(number)) for number in range(1000)])
    publisher.confirm_outputs(60)
    of_driver: dict[bytes | None, list[int]] = {}
    for message in topics.everything("driver-profiles"):
        of_driver.setdefault(message.key(), []).append(int(message.value() or b""))
    for number, driver in enumerate((b"drv_0", b"drv_1", b"drv_2")):
        newest = list(dict.fromkeys(of_driver[driver]))
        assert newest == list(range(number, 1000, 3))
        assert of_driver[driver][-1] == newest[-1], "the last word is the newest"


def test_a_message_that_kafka_can_never_take_is_an_error_at_once_and_nothing_is_waited_for(topics: Topics) -> None:
    publisher = Publisher(topics.bootstrap, topics.prefix, {})
    with pytest.raises(
        DeliveryError, match=r"1 messages were not delivered, the first to .*driver-profiles: .*too large"
    ):
        publisher.publish_profiles([("drv_1", "{}"), ("drv_2", "x" * 20_000_000)])
    publisher.confirm_outputs(60)
    assert [message.key() for message in topics.everything("driver-profiles")] == [b"drv_1"]
