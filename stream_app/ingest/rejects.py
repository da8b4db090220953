"""Records that can't be used, and why."""

from dataclasses import dataclass

from schemas.messages.dead_letter import RejectCode
from stream_app.faust_bridge.record_batch import KafkaRecord


@dataclass(frozen=True)
class Reject:
    """One record that goes to the dead-letter topic.

    Attributes
    ----------
    record
        As it was received.
    code
        Why.
    message
        Why, for people: names the field.
    """

    record: KafkaRecord
    code: RejectCode
    message: str
