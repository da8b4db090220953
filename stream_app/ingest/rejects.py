"""Messages that can't be used, and why."""

from dataclasses import dataclass
from enum import StrEnum

from stream_app.faust_bridge.record_batch import KafkaRecord


class RejectCode(StrEnum):
    """Stable codes of the reasons; ``docs/bad-input.md`` has a row for each."""

    EMPTY_VALUE = "empty_value"
    TOO_LARGE = "too_large"
    INVALID_UTF8 = "invalid_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_FIELD = "missing_field"
    ILLEGAL_ID = "illegal_id"
    WRONG_TYPE = "wrong_type"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_CHOICE = "unknown_choice"
    ILLEGAL_TIMESTAMP = "illegal_timestamp"
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
    NOTHING_MEASURED = "nothing_measured"
    BAD_SAMPLES = "bad_samples"


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
