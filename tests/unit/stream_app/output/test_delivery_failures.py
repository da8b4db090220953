"""What a producer could not deliver is an error at each later checkpoint, and so is what stays unconfirmed."""

from typing import Any

import pytest
from confluent_kafka import KafkaError

from stream_app.kafka import AuthorizationError
from stream_app.output.errors import DeliveryError
from stream_app.output.producer import DeliveryFailures


class Message:
    """A message of a delivery report."""

    def topic(self) -> str:
        return "driver-scores"


def report(failures: DeliveryFailures, error: KafkaError | None) -> None:
    message: Any = Message()
    failures.report(error, message)


def test_confirmed_messages_are_no_error() -> None:
    failures = DeliveryFailures()
    report(failures, None)
    failures.raise_for(unconfirmed=0, timeout_s=60)


def test_a_failed_message_is_an_error_at_this_checkpoint_and_at_each_later_one() -> None:
    failures = DeliveryFailures()
    report(failures, KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
    report(failures, KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    for _ in range(2):
        with pytest.raises(DeliveryError, match=r"^2 messages were not delivered, the first to driver-scores: .*larg"):
            failures.raise_for(unconfirmed=0, timeout_s=60)


def test_a_message_that_is_too_large_names_the_setting() -> None:
    failures = DeliveryFailures()
    report(failures, KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
    with pytest.raises(DeliveryError, match="DRIVER_SCORE_KAFKA__MAX_MESSAGE_BYTES"):
        failures.raise_for(unconfirmed=0, timeout_s=60)


@pytest.mark.parametrize("code", [KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED])
def test_a_missing_right_is_named(code: int) -> None:
    failures = DeliveryFailures()
    report(failures, KafkaError(code))
    with pytest.raises(AuthorizationError, match="the right WRITE on topic driver-scores"):
        failures.raise_for(unconfirmed=0, timeout_s=60)


def test_unconfirmed_messages_are_an_error_after_the_time_out() -> None:
    with pytest.raises(DeliveryError, match=r"^3 messages .*no confirmation within 60 s"):
        DeliveryFailures().raise_for(unconfirmed=3, timeout_s=60)
