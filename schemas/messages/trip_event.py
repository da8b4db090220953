"""TripEvent and TripEventBatch: what vehicles send to ``trip-events``."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

MAX_ID_BYTES: Final = 64

ID_PATTERN: Final = rf"^[A-Za-z0-9_.:\-]{{1,{MAX_ID_BYTES}}}$"
"""1 to 64 letters, digits, ``_ . : -``."""

MIN_TIMESTAMP: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Earlier timestamps come from devices whose clock was never set (1970, 1980): no telematics is older."""

MAX_SPEED_KMH: Final = 300.0
"""Faster is a sensor fault for every vehicle class."""

MAX_SAMPLES: Final = 10_000
"""Samples of one envelope: nearly three hours at one a second."""

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


def _default_for_null(default: str, allowed: Any) -> BeforeValidator:
    return BeforeValidator(lambda given: default if given is None else given, json_schema_input_type=allowed | None)


def _whole_number_as_text(given: object) -> object:
    """Read a whole number as an id: many fleets number their vehicles and trips. In JSON, 5.0 and 5 are one number."""
    if isinstance(given, float) and given.is_integer():
        return f"{Decimal(repr(given)):f}".removesuffix(".0")
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else given


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


def _measurement(ge: float, le: float, description: str) -> Any:
    """Describe an optional number within a physical range; pydantic's strict mode refuses text and booleans."""
    return Field(default=None, ge=ge, le=le, allow_inf_nan=False, strict=True, description=description)


class Sample(BaseModel):
    """What one event says beside its ids; unknown fields are ignored, so that newer firmware does no harm."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    timestamp: Timestamp = Field(description="ISO 8601 with offset, or integer epoch milliseconds")
    event_id: Identifier | None = Field(default=None, description="Unique id of the event, if the device has one")
    sequence: Any = Field(default=None, description="The device's own counter; not read")
    event_type: Annotated[EventType, _default_for_null("sample", EventType)] = "sample"
    speed_kmh: float | None = _measurement(0, MAX_SPEED_KMH, "Speed, km/h; null when unknown")
    acceleration_mps2: float | None = _measurement(-400, 400, "Longitudinal acceleration; braking is negative")
    lateral_acceleration_mps2: float | None = _measurement(-400, 400, "Lateral acceleration")
    heading_deg: float | None = _measurement(-360, 360, "Heading, degrees clockwise from north")
    latitude: float | None = _measurement(-90, 90, "WGS 84 latitude, degrees")
    longitude: float | None = _measurement(-180, 180, "WGS 84 longitude, degrees")
    speed_limit_kmh: float | None = _measurement(1, MAX_SPEED_KMH, "Speed limit at this place; null when unknown")
    peak_mps2: float | None = _measurement(-400, 400, "Peak of a device-detected event")
    duration_s: float | None = _measurement(0, 86_400, "Duration of a device-detected event")

    @model_validator(mode="after")
    def _measures_something(self) -> Self:
        if (
            self.event_type == "sample"
            and self.speed_kmh is None
            and self.acceleration_mps2 is None
            and self.lateral_acceleration_mps2 is None
        ):
            raise ValueError("nothing_measured: a sample needs speed_kmh or an acceleration")
        return self


class TripIds(BaseModel):
    """The ids that every event carries."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    trip_id: Identifier = Field(description="Unique id of the trip within its vehicle")
    vehicle_id: Identifier = Field(description="Id of the vehicle; the key of the message")
    driver_id: Identifier = Field(description="Id of the driver, a pseudonym")
    client_id: Identifier = Field(description="Id of the fleet or the insurer's client")
    vehicle_class: Annotated[VehicleClass, _default_for_null("car", VehicleClass)] = "car"


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
