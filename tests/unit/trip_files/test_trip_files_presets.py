import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scoring.errors import InputFileError
from scoring.trip_files.column_maps.presets import PRESETS
from tests.support.examples.trip_tables import csv_text, drive, read_content

TRIP = drive(300)


def moment(second: int, text: str) -> str:
    return f"{datetime.fromtimestamp(second, tz=UTC):{text}}"


def torque() -> str:
    rows = [
        (
            moment(t + 3600, "%a %b %d %H:%M:%S GMT+01:00 %Y"),
            moment(t + 3600, "%d-%b-%Y %H:%M:%S.100"),
            -8.0,
            40.0,
            v,
            "-",
        )
        for t, v in TRIP
    ]
    header = "GPS Time, Device Time, Longitude, Latitude, Speed (OBD)(km/h),Engine RPM(rpm)"
    again = csv_text(rows[150:], header=header)
    return csv_text(rows[:150], header=header) + again


def torque_with_zone_names() -> str:
    rows = [(moment(t + 3600, "%a %b %d %H:%M:%S CET %Y"), v / 1.609344) for t, v in TRIP]
    return csv_text(rows, header="GPS Time,Speed (OBD)(mph)")


def obdlink() -> str:
    rows = [(f" {t - TRIP[0][0]}.000", f" {v / 1.609344:.4f}", " 900") for t, v in TRIP]
    lines = csv_text(rows, header="Time (sec), Vehicle speed (MPH), Engine RPM (RPM)")
    return "# StartTime = 03/02/2026 08:15:00.0000 AM\n" + lines


def carscanner() -> str:
    rows = [
        row
        for t, v in TRIP
        for row in (
            (t % 86_400 + 3600, "Vehicle speed", v, "km/h", 50.0, 8.0, ""),
            (t % 86_400 + 3600.2, "Speed (GPS)", v + 1, "km/h", 50.0, 8.0, ""),
            (t % 86_400 + 3600.4, "Engine RPM", 900, "rpm", 50.0, 8.0, ""),
        )
    ]
    return csv_text(
        ([f'"{cell}"' if cell != "" else "" for cell in row] for row in rows),
        header='"SECONDS";"PID";"VALUE";"UNITS";"LATITUDE";"LONGTITUDE";',
        separator=";",
    )


def traccar() -> str:
    rows = [
        (place, "osmand", 7, moment(t, "%Y-%m-%d %H:%M:%S.000000"), "true", 50.0, 8.0, v / 1.852, 12, "")
        for place, (t, v) in enumerate(TRIP)
    ]
    return csv_text(rows, header="ID,PROTOCOL,DEVICEID,FIXTIME,VALID,LATITUDE,LONGITUDE,SPEED,COURSE,ADDRESS")


def teslamate() -> str:
    rows = [(moment(t, "%Y-%m-%d %H:%M:%S.123"), 50.0, 8.0, v, 1, 7, 55) for t, v in TRIP]
    return csv_text(rows, header="date,latitude,longitude,speed,car_id,drive_id,battery_level")


def openxc() -> str:
    readings: list[dict[str, Any]] = [{"metadata": {"version": "v3.0"}}]
    for t, v in TRIP:
        readings.append({"timestamp": t + 0.25, "name": "vehicle_speed", "value": v})
        readings.append({"timestamp": t + 0.5, "name": "brake_pedal_status", "value": False})
    return "\n".join(json.dumps(reading) for reading in readings)


def geotab() -> str:
    rows = [("b1", moment(t, "%Y-%m-%dT%H:%M:%S.000Z"), v, 50.0, 8.0, "UnknownDriverId") for t, v in TRIP]
    return csv_text(rows, header="device.id,dateTime,speed,latitude,longitude,driver.id")


def samsara() -> str:
    rows = [("2811", "Van 4", moment(t, "%Y-%m-%dT%H:%M:%SZ"), v / 1.609344, 12, 50.0, 8.0) for t, v in TRIP]
    return csv_text(rows, header="id,name,time,speedMilesPerHour,headingDegrees,latitude,longitude")


@pytest.mark.parametrize(
    ("preset", "text", "ids", "offset_min", "options"),
    [
        ("torque", torque(), ("trip_veh_1_20260302T071500", "veh_1", "drv_veh_1"), 60, {}),
        (
            "torque",
            torque_with_zone_names(),
            ("trip_veh_1_20260302T071500", "veh_1", "drv_veh_1"),
            60,
            {"time_zone": "Europe/Berlin"},
        ),
        (
            "obdlink",
            obdlink(),
            ("trip_veh_1_20260302T071500", "veh_1", "drv_veh_1"),
            60,
            {"start": "2026-03-02T08:15:00", "time_zone": "Europe/Berlin"},
        ),
        (
            "carscanner",
            carscanner(),
            ("trip_veh_1_20260302T071500", "veh_1", "drv_veh_1"),
            60,
            {"start": "2026-03-02", "time_zone": "Europe/Berlin"},
        ),
        ("traccar", traccar(), ("trip_7_20260302T071500", "7", "drv_7"), None, {"where": ["VALID=true"]}),
        ("teslamate", teslamate(), ("7", "1", "drv_1"), 60, {"time_zone": "Europe/Berlin"}),
        ("openxc", openxc(), ("trip_veh_1_20260302T071500", "veh_1", "drv_veh_1"), None, {}),
        ("geotab", geotab(), ("trip_b1_20260302T071500", "b1", "drv_b1"), None, {}),
        ("samsara", samsara(), ("trip_2811_20260302T071500", "2811", "drv_2811"), None, {}),
    ],
)
def test_a_file_of_a_known_program_needs_no_map(
    tmp_path: Path,
    preset: str,
    text: str,
    ids: tuple[str, str, str],
    offset_min: int | None,
    options: dict[str, Any],
) -> None:
    trip_file = read_content(tmp_path, text, file_format=preset, **options)
    events = trip_file.events
    assert [time // 1000 for time in events["timestamp_ms"]] == [second for second, _ in TRIP]
    assert events["speed_kmh"].to_list() == pytest.approx([speed for _, speed in TRIP], abs=0.001)
    assert events.select("trip_id", "vehicle_id", "driver_id").unique().rows() == [ids]
    assert events["utc_offset_min"].unique().to_list() == [offset_min]


def test_alarms_of_traccar_are_event_types(tmp_path: Path) -> None:
    lines = traccar().splitlines()
    alarms = {5: "hardBraking", 9: "hardAcceleration", 12: "hardCornering", 20: "overspeed"}
    text = "\n".join(
        [lines[0] + ",ALARM", *(f"{line},{alarms.get(place, '')}" for place, line in enumerate(lines[1:]))]
    )
    events = read_content(tmp_path, text, file_format="traccar").events
    assert sorted(set(events["event_type"])) == ["hard_acceleration", "hard_brake", "hard_corner", "sample", "speeding"]


@pytest.mark.parametrize("preset", PRESETS)
def test_the_users_own_map_is_over_that_of_a_program(tmp_path: Path, preset: str) -> None:
    text = openxc() if preset == "openxc" else "a,b,PID,VALUE\n1,2,Vehicle speed,3"
    speed = "vehicle_speed" if preset == "openxc" else "Vehicle speed"
    with pytest.raises(InputFileError, match="no column `other`"):
        read_content(tmp_path, text, "timestamp=other:s", f"speed_kmh={speed}", file_format=preset)


def test_elapsed_time_of_an_app_needs_a_start(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="--start 2026-03-02T07:15:00"):
        read_content(tmp_path, obdlink(), file_format="obdlink")
