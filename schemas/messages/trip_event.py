"""TripEvent and TripEventBatch: what vehicles send to ``trip-events``."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from schemas.messages.optional_fields import NUMBER_RULES, FieldFault, is_null_island, read_number

MAX_ID_BYTES: Final = 64

ID_PATTERN: Final = rf"^[A-Za-z0-9_.:\-]{{1,{MAX_ID_BYTES}}}$"
"""1 to 64 letters, digits, ``_ . : -``."""

MIN_TIMESTAMP: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Earlier timestamps come from devices whose clock was never set (1970, 1980): no telematics is older."""

MAX_SAMPLES: Final = 10_000
"""Samples of one envelope: nearly three hours at one a second."""

NO_DRIVER_WORDS: Final = (
    "none",
    "null",
    "unknown",
    "unknowndriver",
    "unknowndriverid",
    "nodriver",
    "unassigned",
    "unidentified",
)
"""What devices and fleets' systems write where nobody has logged in, in lower case and without blanks; or zeros."""

VEHICLE_DRIVER_PREFIX: Final = "drv_"
"""Before the id of a vehicle: the driver of its trips in which nobody logs in."""

VehicleClass = Literal["car", "van", "truck", "bus", "motorcycle"]
EventType = Literal[
    "sample",
    "trip_start",
    "trip_end",
    "hard_brake",
    "hard_acceleration",
    "hard_corner",
    "phone_use",
    "speeding",
]

ISO_WITH_OFFSET_PATTERN: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$"
"""RFC 3339 with a T, seconds (no leap second), and ``Z`` or an offset."""


def _parse_timestamp(timestamp: object) -> object:
    """Accept ISO 8601 with an offset, or whole epoch milliseconds, quoted or not; refuse everything else.

    pydantic alone would guess seconds or milliseconds from a number's size: a device with a wrong date must not
    be understood by luck.
    """
    if isinstance(timestamp, str) and timestamp.isascii() and timestamp.isdigit():
        timestamp = int(timestamp)
    if isinstance(timestamp, float) and timestamp.is_integer():
        timestamp = int(timestamp)
    if isinstance(timestamp, int) and not isinstance(timestamp, bool):
        try:
            return datetime.fromtimestamp(timestamp / 1000, UTC)
        except (OverflowError, OSError, ValueError) as error:
            raise ValueError("epoch milliseconds out of range") from error
    if isinstance(timestamp, datetime) or (
        isinstance(timestamp, str) and re.fullmatch(ISO_WITH_OFFSET_PATTERN, timestamp) is not None
    ):
        return timestamp
    raise ValueError("must be ISO 8601 with an offset, or whole epoch milliseconds")


def _report(info: ValidationInfo, field: str | None, fault: FieldFault) -> None:
    """Note a fault for who validates with a dict as context: it gets the `FieldFault` of each field that is unknown."""
    if isinstance(info.context, dict):
        info.context[field] = fault


def _choose(given: object, choices: tuple[str, ...], default: str, info: ValidationInfo) -> str:
    """Read a word; one that is none of the choices counts as not given."""
    if isinstance(given, str) and given in choices:
        return given
    if given is not None:
        _report(info, info.field_name, FieldFault.UNKNOWN_CHOICE if isinstance(given, str) else FieldFault.WRONG_TYPE)
    return default


def _whole_number_as_text(given: object) -> object:
    """Read a whole number as an id: many fleets number their vehicles and trips. In JSON, 5.0 and 5 are one number."""
    if isinstance(given, float) and given.is_integer():
        return f"{Decimal(repr(given)):f}".removesuffix(".0")
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else given


def is_nobody(driver_id: str) -> bool:
    """Tell whether a driver id says that nobody has logged in."""
    return driver_id.strip("0") == "" or driver_id.lower() in NO_DRIVER_WORDS


Identifier = Annotated[
    str,
    StringConstraints(pattern=ID_PATTERN),
    BeforeValidator(_whole_number_as_text, json_schema_input_type=Annotated[str, Field(pattern=ID_PATTERN)] | int),
]
Timestamp = Annotated[
    AwareDatetime,
    Field(ge=MIN_TIMESTAMP),
    BeforeValidator(
        _parse_timestamp, json_schema_input_type=Annotated[str, Field(pattern=ISO_WITH_OFFSET_PATTERN)] | int
    ),
]


def _measurement(name: str, description: str) -> Any:
    """Describe an optional number within the range of its rule."""
    rule = NUMBER_RULES[name]
    return Field(
        default=None, ge=rule.lowest, le=rule.highest, allow_inf_nan=False, strict=True, description=description
    )


REQUIRED_MOTION: Final = ("speed_kmh", "acceleration_mps2", "lateral_acceleration_mps2")
"""Of these a sample must carry one."""


class Sample(BaseModel):
    """What one event says beside its ids; unknown fields are ignored, so that newer firmware does no harm."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    timestamp: Timestamp = Field(description="ISO 8601 with offset, or integer epoch milliseconds")
    event_id: Identifier | None = Field(default=None, description="Unique id of the event, if the device has one")
    sequence: Any = Field(default=None, description="The device's own counter; not read")
    event_type: EventType = "sample"
    speed_kmh: float | None = _measurement("speed_kmh", "Speed, km/h; null when unknown")
    acceleration_mps2: float | None = _measurement(
        "acceleration_mps2", "Longitudinal acceleration; braking is negative"
    )
    lateral_acceleration_mps2: float | None = _measurement("lateral_acceleration_mps2", "Lateral acceleration")
    heading_deg: float | None = _measurement("heading_deg", "Heading, degrees clockwise from north")
    latitude: float | None = _measurement("latitude", "WGS 84 latitude, degrees")
    longitude: float | None = _measurement("longitude", "WGS 84 longitude, degrees")
    speed_limit_kmh: float | None = _measurement("speed_limit_kmh", "Speed limit at this place; null when unknown")
    peak_mps2: float | None = _measurement("peak_mps2", "Peak of a device-detected event")
    duration_s: float | None = _measurement("duration_s", "Duration of a device-detected event")

    @field_validator("event_type", mode="before", json_schema_input_type=EventType | None)
    @classmethod
    def _known_type(cls, given: object, info: ValidationInfo) -> str:
        return _choose(given, get_args(EventType), "sample", info)

    @field_validator("event_id", mode="wrap", json_schema_input_type=Identifier | None)
    @classmethod
    def _legal_event_id(cls, given: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
        try:
            return handler(given)
        except ValidationError:
            _report(info, "event_id", FieldFault.ILLEGAL_ID if isinstance(given, str) else FieldFault.WRONG_TYPE)
            return None

    @field_validator(*NUMBER_RULES, mode="before")
    @classmethod
    def _possible_number(cls, given: object, info: ValidationInfo) -> float | None:
        found = read_number(given, NUMBER_RULES[str(info.field_name)])
        if isinstance(found, FieldFault):
            _report(info, info.field_name, found)
            return None
        return found

    @model_validator(mode="wrap")
    @classmethod
    def _measures_something(cls, given: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        position = ("latitude", "longitude")
        if isinstance(given, dict):
            latitude, longitude = (read_number(given.get(name), NUMBER_RULES[name]) for name in position)
            if isinstance(latitude, float) and isinstance(longitude, float) and is_null_island(latitude, longitude):
                given = {**given, **dict.fromkeys(position)}
                for name in position:
                    _report(info, name, FieldFault.PLACEHOLDER)
        sample = handler(given)
        if sample.event_type == "sample" and all(getattr(sample, name) is None for name in REQUIRED_MOTION):
            unusable = _unusable(given)
            also = f", and what it has can't be used: {', '.join(unusable)}" if unusable else ""
            raise ValueError(f"nothing_measured: a sample needs speed_kmh or an acceleration{also}")
        return sample


def _unusable(given: object) -> list[str]:
    """Name the fields of a sample without measurements that have a value, though one that counts as unknown."""
    if not isinstance(given, dict):
        return []
    default = {"event_type": "sample"}
    return [name for name in ("event_type", *REQUIRED_MOTION) if given.get(name) not in (None, default.get(name))]


class TripIds(BaseModel):
    """The ids that every event carries."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    trip_id: Identifier = Field(description="Unique id of the trip within its vehicle")
    vehicle_id: Identifier = Field(description="Id of the vehicle; the key of the message")
    driver_id: Identifier | None = Field(
        default=None,
        description="Id of the driver, a pseudonym; null, empty, 0 or `unknown` while nobody has logged in",
    )
    client_id: Identifier = Field(description="Id of the fleet or the insurer's client")
    vehicle_class: VehicleClass = "car"

    @field_validator("driver_id", mode="before", json_schema_input_type=Identifier | Literal[""] | None)
    @classmethod
    def _nobody_is_null(cls, given: object) -> object:
        driver_id = _whole_number_as_text(given)
        return None if isinstance(driver_id, str) and is_nobody(driver_id) else given

    @field_validator("vehicle_class", mode="before", json_schema_input_type=VehicleClass | None)
    @classmethod
    def _known_class(cls, given: object, info: ValidationInfo) -> str:
        return _choose(given, get_args(VehicleClass), "car", info)


class TripEvent(TripIds, Sample):
    """One event of one trip.

    Examples
    --------
    >>> event = TripEvent.model_validate_json(
    ...     '{"trip_id": "trip_7", "vehicle_id": "veh_3", "driver_id": "drv_9", "client_id": "client_harbor",'
    ...     ' "timestamp": "2026-03-02T08:15:00.000+01:00", "speed_kmh": 48.5}'
    ... )
    >>> event.timestamp.isoformat(), event.event_type, event.vehicle_class
    ('2026-03-02T08:15:00+01:00', 'sample', 'car')
    """


class TripEventBatch(TripIds):
    """Several samples of one trip in one envelope, as devices upload them."""

    samples: list[Sample] = Field(min_length=1, max_length=MAX_SAMPLES, description="Samples, in any order")
