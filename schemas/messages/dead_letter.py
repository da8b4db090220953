"""What a dead letter says: the original record, with headers that tell why it was rejected and where it was."""

from enum import StrEnum


class RejectCode(StrEnum):
    """Stable codes of the reasons; ``docs/bad-input.md`` has a row for each."""

    MISPLACED_KEY = "misplaced_key"
    EMPTY_VALUE = "empty_value"
    TOO_LARGE = "too_large"
    INVALID_UTF8 = "invalid_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_FIELD = "missing_field"
    ILLEGAL_ID = "illegal_id"
    WRONG_TYPE = "wrong_type"
    ILLEGAL_TIMESTAMP = "illegal_timestamp"
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
    NOTHING_MEASURED = "nothing_measured"
    BAD_SAMPLES = "bad_samples"
    INVALID_TRIP_RESULT = "invalid_trip_result"
    """Of the internal topic of trip results, not of trip events."""
