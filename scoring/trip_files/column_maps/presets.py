"""Column maps of files that well-known apps and fleet systems write."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scoring.trip_files.column_maps.column_map import ColumnMap, Pivot
from scoring.trip_files.column_maps.map_words import parse_filter, parse_source

_PERSONAL: Final = {"vehicle_id": ("=veh_1",), "client_id": ("=client_1",)}
"""Apps on a phone write of one vehicle and do not name it."""

_GAP_S: Final = 300.0

_ALARMS: Final = {
    "hardBraking": "hard_brake",
    "hardAcceleration": "hard_acceleration",
    "hardCornering": "hard_corner",
    "overspeed": "speeding",
    "phoneCall": "phone_use",
}
"""Alarms of Traccar that are event types."""


@dataclass(frozen=True)
class Preset:
    """What a program's files are.

    Attributes
    ----------
    reads
        Format that they are written in: ``csv``, or ``json-readings`` for one JSON object a reading.
    column_map
        How they are read, before the user's own map.
    """

    reads: str
    column_map: ColumnMap


def _preset(
    fields: Mapping[str, tuple[str, ...]],
    *,
    reads: str = "csv",
    trip_gap_s: float | None = _GAP_S,
    pivot: Pivot | None = None,
    where: tuple[str, ...] = (),
    texts: Mapping[str, Mapping[str, str]] | None = None,
) -> Preset:
    return Preset(
        reads,
        ColumnMap(
            candidates={
                name: tuple(parse_source(name, word, origin="preset") for word in words)
                for name, words in fields.items()
            },
            where=tuple(parse_filter(word, origin="preset") for word in where),
            pivot=pivot,
            texts=texts or {},
            trip_gap_s=trip_gap_s,
        ),
    )


PRESETS: Final[dict[str, Preset]] = {
    # A log of Torque Pro (Android). GPS Time is Java's Date.toString: with an offset, or the name of a zone.
    "torque": _preset(
        {
            **_PERSONAL,
            "timestamp": (
                "GPS Time:%a %b %d %H:%M:%S GMT%z %Y|%a %b %d %H:%M:%S %Z %Y",
                "Device Time:%d-%b-%Y %H:%M:%S%.f",
            ),
            "speed_kmh": (
                "Speed (OBD)(km/h)",
                "Speed (OBD)(mph):mph",
                "Speed (GPS)(km/h)",
                "Speed (GPS)(mph):mph",
                "GPS Speed (Meters/second):m/s",
                "GPS Speed (km/h)",
            ),
            "heading_deg": ("Bearing",),
            "latitude": ("Latitude",),
            "longitude": ("Longitude",),
        }
    ),
    # A log of the OBDLink app: lines of comments with StartTime, then elapsed seconds.
    "obdlink": _preset(
        {
            **_PERSONAL,
            "timestamp": ("Time (sec):s", "Time (s):s", "Time(s):s"),
            "speed_kmh": (
                "Vehicle speed (km/h)",
                "Vehicle speed (MPH):mph",
                "Vehicle speed (mph):mph",
                "Vehicle Speed (km/h)",
                "Vehicle Speed (mph):mph",
                "GPS Speed (km/h)",
                "GPS Speed (MPH):mph",
            ),
            "latitude": ("Latitude (deg)", "GPS Latitude (deg)"),
            "longitude": ("Longitude (deg)", "GPS Longitude (deg)"),
        }
    ),
    # Car Scanner ELM OBD2: a row for each reading, by seconds of the day; LONGTITUDE is as it writes it.
    "carscanner": _preset(
        {
            **_PERSONAL,
            "timestamp": ("SECONDS:s",),
            "speed_kmh": ("Vehicle speed", "Speed (GPS)"),
            "latitude": ("LATITUDE",),
            "longitude": ("LONGTITUDE", "LONGITUDE"),
        },
        pivot=Pivot("PID", "VALUE"),
    ),
    # Traccar: the table tc_positions, in lower or upper case, or the report of a route; speed is in knots.
    "traccar": _preset(
        {
            "client_id": ("=client_1",),
            "vehicle_id": ("deviceid", "deviceId", "DEVICEID"),
            "timestamp": ("fixtime:utc", "fixTime:utc", "FIXTIME:utc"),
            "speed_kmh": ("speed:kn", "SPEED:kn"),
            "heading_deg": ("course", "COURSE"),
            "latitude": ("latitude", "LATITUDE"),
            "longitude": ("longitude", "LONGITUDE"),
            "event_type": ("alarm", "ALARM"),
        },
        texts={"event_type": _ALARMS},
    ),
    # TeslaMate: the table positions, with UTC without an offset; rows without a drive are of a parked car.
    "teslamate": _preset(
        {
            "client_id": ("=client_1",),
            "vehicle_id": ("car_id",),
            "trip_id": ("drive_id",),
            "timestamp": ("date:utc",),
            "speed_kmh": ("speed",),
            "latitude": ("latitude",),
            "longitude": ("longitude",),
        },
        trip_gap_s=None,
    ),
    # OpenXC: a trace has a JSON object a reading, with seconds since 1970.
    "openxc": _preset(
        {
            **_PERSONAL,
            "timestamp": ("timestamp:s",),
            "speed_kmh": ("vehicle_speed",),
            "latitude": ("latitude",),
            "longitude": ("longitude",),
        },
        reads="json-readings",
        pivot=Pivot("name", "value"),
    ),
    # Geotab: LogRecord of the MyGeotab API as CSV; km/h, UTC.
    "geotab": _preset(
        {
            "client_id": ("=client_1",),
            "vehicle_id": ("device.id", "device", "deviceId", "DeviceId"),
            "driver_id": ("driver.id", "driver", "driverId", "DriverId"),
            "timestamp": ("dateTime:utc", "DateTime:utc"),
            "speed_kmh": ("speed", "Speed"),
            "heading_deg": ("bearing", "Bearing"),
            "latitude": ("latitude", "Latitude"),
            "longitude": ("longitude", "Longitude"),
        }
    ),
    # Samsara: gps of vehicle stats of the API as CSV; mph, UTC.
    "samsara": _preset(
        {
            "client_id": ("=client_1",),
            "vehicle_id": ("vehicle.id", "vehicleId", "id", "name"),
            "driver_id": ("driver.id", "driverId"),
            "timestamp": ("gps.time:utc", "time:utc"),
            "speed_kmh": ("gps.speedMilesPerHour:mph", "speedMilesPerHour:mph"),
            "heading_deg": ("gps.headingDegrees", "headingDegrees"),
            "latitude": ("gps.latitude", "latitude"),
            "longitude": ("gps.longitude", "longitude"),
        }
    ),
}
"""Presets by the name of their format. Candidates are tried in order; `docs/replay.md` says where each is from."""
