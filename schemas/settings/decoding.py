"""Which messages of devices are accepted."""

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from schemas.settings.component import Component

Partitioner = Literal["known", "murmur2", "crc32", "custom"]
"""How producers place keys: by Java's default, librdkafka's default, one of these, or in another way."""


class DecodingSettings(Component):
    """Which messages of devices are accepted."""

    max_value_bytes: int = Field(
        default=4 * 1024 * 1024, ge=1024, description="Longer messages are rejected without being parsed"
    )
    max_ahead_s: float = Field(default=86_400, ge=0, description="Timestamps further ahead of the clock are rejected")
    time_zones: dict[str, str] = Field(
        default_factory=dict, description="IANA time zone of each client, for events without an offset; JSON"
    )

    partitioner: Partitioner = Field(
        default="known",
        description="How producers place keys on partitions: murmur2 as Java's clients by default, crc32 as "
        "librdkafka's; records that are placed otherwise are rejected. known accepts either; custom accepts any, null "
        "keys too",
    )

    @field_validator("time_zones")
    @classmethod
    def _are_known(cls, time_zones: dict[str, str]) -> dict[str, str]:
        for client_id, name in time_zones.items():
            try:
                ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError(
                    f"client {client_id}: {name!r} is not an IANA time zone, such as Europe/Berlin"
                ) from error
        return time_zones
