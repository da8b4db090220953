"""Outputs and table rows on a real Kafka: delivered in order, or refused, which stops the worker before it commits."""

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from driver_score.replay import event_messages, plan_sending, replay
from schemas.errors import ExitStatus
from schemas.settings import KafkaSettings
from scoring.features.batch import trip_features
from stream_app.output import producer
from stream_app.output.errors import DeliveryError
from stream_app.output.outputs import Outputs
from tests.integration.conftest import SETTINGS, has_all_events, some_trips
from tests.support.checks.feature_equality import unequal_features
from tests.support.servers.brokers import kafka_at, wait_until
from tests.support.servers.running_worker import Topics, contents_by_id, running_worker

pytestmark = pytest.mark.integration


def outputs_on(topics: Topics) -> Outputs:
    return Outputs(KafkaSettings(bootstrap=topics.bootstrap, topic_prefix=topics.prefix))


def test_all_messages_are_delivered_in_order_when_there_are_more_than_the_queue_holds(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer, "_QUEUED_MESSAGES", 100)
    outputs = outputs_on(topics)
    outputs.publish_profiles([(f"drv_{number % 3}", str(number)) for number in range(1000)])
    outputs.confirm(60)
    of_driver: dict[bytes | None, list[int]] = {}
    for message in topics.everything("driver-profiles"):
        of_driver.setdefault(message.key(), []).append(int(message.value() or b""))
    for number, driver in enumerate((b"drv_0", b"drv_1", b"drv_2")):
        newest = list(dict.fromkeys(of_driver[driver]))
        assert newest == list(range(number, 1000, 3))
        assert of_driver[driver][-1] == newest[-1], "the last message is the newest"


def test_a_message_that_is_too_large_is_an_error_at_once_and_the_others_are_delivered(topics: Topics) -> None:
    outputs = outputs_on(topics)
    with pytest.raises(
        DeliveryError, match=r"1 messages were not delivered, the first to .*driver-profiles: .*too large"
    ):
        outputs.publish_profiles([("drv_1", "{}"), ("drv_2", "x" * 20_000_000)])
    outputs.confirm(60)
    assert [message.key() for message in topics.everything("driver-profiles")] == [b"drv_1"]


def limit_message_size(topics: Topics, topic: str, max_bytes: int) -> None:
    """Have the broker refuse larger record batches of a topic, from now on."""
    entry = ConfigEntry("max.message.bytes", str(max_bytes), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topics.prefix + topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": topics.bootstrap, "log_level": 0})
    admin.incremental_alter_configs([resource])[resource].result(30)


@pytest.mark.parametrize("refusing", ["driver-scores", "trip-features", "driver-score-trips-changelog"])
def test_a_broker_that_refuses_at_a_checkpoint_stops_the_worker_before_it_commits_and_nothing_is_lost(
    topics: Topics, refusing: str
) -> None:
    events = some_trips(6, skip=200)
    first, second = list(plan_sending(events).iter_slices(len(events) // 2 + 1))
    source = f"{topics.prefix}trip-events"
    with running_worker(topics.bootstrap, topics.prefix, **SETTINGS) as worker:
        replay(event_messages(first), kafka=kafka_at(topics.bootstrap), topic=source)
        topics.wait_until_committed()
        committed = topics.committed("trip-events")
        limit_message_size(topics, refusing, 10)
        replay(event_messages(second), kafka=kafka_at(topics.bootstrap), topic=source)
        wait_until(lambda: not worker.alive, "the worker to stop")
        assert worker.process.returncode == ExitStatus.FAILED, worker.log
        assert f"the first to {topics.prefix}{refusing}: " in worker.log
        assert topics.committed("trip-events") == committed, "what is not delivered is not committed"

    limit_message_size(topics, refusing, 16 * 1024 * 1024)
    expected = trip_features(events)
    with running_worker(topics.bootstrap, topics.prefix, **SETTINGS):
        scores = topics.wait_for("driver-scores", lambda rows: has_all_events(rows, expected))
        topics.wait_until_committed()
    assert unequal_features(scores, expected) == []
    assert {one: found for one, found in contents_by_id(scores, "score_id").items() if len(found) > 1} == {}
