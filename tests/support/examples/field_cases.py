"""Files as people's loggers write them: how the demo is told to read each, and what is right for it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from schemas.features import COUNT_FEATURES
from tests.support.examples.field_files import (
    TRIP_S,
    a_row_a_reading,
    drive,
    elapsed_seconds,
    end_of_summer_time,
    every_30_s,
    five_rows_a_second,
    gravity,
    held_speed,
    id_used_again,
    night_with_offsets,
    one_row_two_hours_ahead,
    parked_between_trips,
    plates,
    rows,
    speeds,
    time_beside_date,
    weeks_begin_again,
)
from tests.support.examples.trip_tables import START_S, csv_text

Expected = Mapping[str, Any]
"""What a trip's score has: of these features and ids, each has this value; ``starts_s`` and ``ends_s`` since 1970."""

NO_EVENTS: Final[Expected] = {"hard_brake_count": 0, "hard_acceleration_count": 0}
ROUNDS: Final[Expected] = {"duration_s": 629, "distance_km": 5.25, "stop_count": 7, "max_speed_kmh": 54, **NO_EVENTS}
IN_TIME: Final[Expected] = {**ROUNDS, "starts_s": START_S, "ends_s": START_S + 629}
FIVE_MINUTES: Final[Expected] = {
    "starts_s": START_S,
    "duration_s": 299,
    "distance_km": 2.6,
    "max_speed_kmh": 54,
    **NO_EVENTS,
}


@dataclass(frozen=True)
class FieldCase:
    """A file, how the demo is told to read it, and what is right.

    Attributes
    ----------
    name
        What is wrong with the file.
    content
        Of the file.
    maps
        Of columns, without the ids that the file has not.
    trips
        What each trip's score has, by vehicle and start.
    says
        Parts of what the reader says about its rows.
    options
        Further options of the demo.
    has_vehicles, has_trips
        Whether the file tells its vehicles and its trips, so that the options do not.
    """

    name: str
    content: str | bytes
    maps: tuple[str, ...]
    trips: tuple[Expected, ...]
    says: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    has_vehicles: bool = False
    has_trips: bool = False

    @property
    def arguments(self) -> list[str]:
        """Options of the demo."""
        vehicle = () if self.has_vehicles else (f"vehicle_id==veh_{self.name}",)
        trip = () if self.has_trips else ("trip_id==trip_1",)
        return arguments(*vehicle, *trip, *self.maps, options=self.options)


@dataclass(frozen=True)
class RefusedFile:
    """A file that can't be read with the given options; ``says`` are parts of the error, which tells what to do."""

    name: str
    content: str | bytes
    maps: tuple[str, ...]
    says: tuple[str, ...]
    options: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        """Options of the demo."""
        return arguments("vehicle_id==veh_1", "trip_id==trip_1", *self.maps, options=self.options)


def arguments(*maps: str, options: tuple[str, ...] = ()) -> list[str]:
    """Give options of the demo that have these maps."""
    return [word for each in ("client_id==client_1", *maps) for word in ("--map", each)] + list(options)


def differences(row: Mapping[str, Any], expected: Expected) -> dict[str, tuple[Any, Any]]:
    """Give what of a trip is not as expected: the value it has, and the right one.

    Seconds may differ by 1.5, other measurements by 2 %; counts and ids are exact.
    """
    times = {"starts_s": time_s(row, "window_start"), "ends_s": time_s(row, "window_end")}
    found = {name: {**row, **times}[name] for name in expected}
    return {name: (found[name], right) for name, right in expected.items() if not is_right(name, found[name], right)}


def is_right(name: str, found: Any, right: Any) -> bool:
    if right is None or isinstance(right, str):
        return found == right or (right is None and isinstance(found, float) and math.isnan(found))
    if found is None or name in COUNT_FEATURES:
        return bool(found == right)
    return math.isclose(
        found, right, rel_tol=0 if name.endswith("_s") else 0.02, abs_tol=1.5 if name.endswith("_s") else 0
    )


def time_s(row: Mapping[str, Any], name: str) -> float:
    """Give a time of a message, or of a row of `trip_features`, in seconds since 1970."""
    return row[f"{name}_ms"] / 1000 if f"{name}_ms" in row else datetime.fromisoformat(row[name]).timestamp()


SECONDS: Final = ("timestamp=ts:s", "speed_kmh=v")
FIVE_A_SECOND, RMS_MPS2 = five_rows_a_second()
ELAPSED: Final = ("timestamp=Time(s):s", "speed_kmh= Vehicle Speed (km/h)")
READINGS: Final = ("timestamp=SECONDS:s", "speed_kmh=VALUE")
JOINED: Final = "timestamp=Date+Time:%m/%d/%Y %H:%M:%S"
DECIMAL_COMMAS: Final = csv_text(
    [(at_s, str(speed).replace(".", ",")) for at_s, speed in drive(300)], header="sep=;\nts;v", separator=";"
)

FIELD_CASES: Final = (
    FieldCase(
        "held-speed",
        held_speed(),
        SECONDS,
        ({**IN_TIME, "hard_brake_count": None, "hard_acceleration_count": None},),
    ),
    FieldCase("newest-first", csv_text(drive(TRIP_S)[::-1]), SECONDS, (IN_TIME,), ("put in order of time",)),
    FieldCase("clock-ahead", one_row_two_hours_ahead(), SECONDS, (IN_TIME,), ("1 dropped (1 clock",)),
    FieldCase(
        "dst-autumn",
        end_of_summer_time(),
        ("timestamp=time", "speed_kmh=v"),
        ({"duration_s": 5395, "distance_km": 45.0},),
        options=("--time-zone", "Europe/Berlin"),
    ),
    FieldCase(
        "limit-zero",
        csv_text(rows(lambda at: (50 if at % 210 < 70 else 0,)), header="ts,v,limit"),
        (*SECONDS, "speed_limit_kmh=limit"),
        ({**IN_TIME, "speeding_ratio": 0},),
        ("630 events", "420 speed_limit_kmh unknown (placeholder)"),
    ),
    FieldCase(
        "torque-night",
        night_with_offsets(),
        ("timestamp=GPS Time:%a %b %d %H:%M:%S GMT%z %Y", "speed_kmh=Speed (OBD)(km/h)"),
        ({**ROUNDS, "night_ratio": 1},),
    ),
    FieldCase(
        "whole-seconds",
        FIVE_A_SECOND,
        ("timestamp=time:%d/%m/%Y %H:%M:%S", "acceleration_mps2=ay", "speed_kmh=v"),
        ({"duration_s": 269.8, "hard_brake_count": 3, "acceleration_rms_mps2": RMS_MPS2},),
        ("1,350 events",),
        options=("--time-zone", "UTC"),
    ),
    FieldCase(
        "driver-login-late",
        csv_text(rows(lambda at: ("none" if at < 40 else "drv_7",)), header="ts,v,driver"),
        (*SECONDS, "driver_id=driver"),
        ({**IN_TIME, "driver_id": "drv_7"},),
        ("40 rows without a driver, of the driver who logged in",),
    ),
    FieldCase("gravity", gravity(), (*SECONDS, "acceleration_mps2=ax"), (IN_TIME,)),
    FieldCase(
        "speed-spike",
        csv_text([(at_s, speed + 45 * ((at_s - START_S) % 90 == 30)) for at_s, speed in drive(TRIP_S)]),
        SECONDS,
        (IN_TIME,),
    ),
    FieldCase(
        "heading-zero",
        csv_text(rows(lambda at: (0 if 25 <= at % 90 < 30 else 40,)), header="ts,v,course"),
        (*SECONDS, "heading_deg=course"),
        ({**IN_TIME, "hard_corner_count": 0},),
    ),
    FieldCase(
        "trip-id-again",
        id_used_again(),
        (*SECONDS, "trip_id=trip"),
        (
            {"trip_id": "12", "duration_s": 359, "distance_km": 3.0, **NO_EVENTS},
            {"trip_id": "12.2", "duration_s": 359, "hard_brake_count": 4},
        ),
        ("1 trips begin where a trip_id is used again",),
        has_trips=True,
    ),
    FieldCase(
        "parked-heartbeat",
        parked_between_trips(),
        SECONDS,
        ({"duration_s": 359, "distance_km": 3.0, **NO_EVENTS}, {"duration_s": 359, "distance_km": 3.0, **NO_EVENTS}),
        ("standing still between trips",),
        options=("--trip-gap-s", "300"),
        has_trips=True,
    ),
    FieldCase(
        "plate-with-blank",
        plates(),
        (*SECONDS, "vehicle_id=unit"),
        ({"vehicle_id": "X-AB12", **FIVE_MINUTES}, {"vehicle_id": "X_CD_34.d7c84158", **FIVE_MINUTES}),
        ("600 events", "1 vehicle_id replaced (X CD 34 → X_CD_34.d7c84158)"),
        options=("--trip-gap-s", "300"),
        has_vehicles=True,
        has_trips=True,
    ),
    FieldCase(
        "alarm-names",
        csv_text(rows(lambda at: ("hardBraking" if at % 90 == 52 else None,)), header="ts,v,alarm"),
        (*SECONDS, "event_type=alarm"),
        (IN_TIME,),
        ("630 events", "7 event_type unknown (unknown_choice)"),
    ),
    FieldCase(
        "alarm-names-said",
        csv_text(rows(lambda at: ("hardBraking" if at % 90 == 52 else None,)), header="ts,v,alarm"),
        (*SECONDS, "event_type=alarm"),
        ({**IN_TIME, "hard_brake_count": 7},),
        ("630 events",),
        options=("--value", "event_type:hardBraking=hard_brake"),
    ),
    FieldCase("week-rollover", weeks_begin_again(), SECONDS, (IN_TIME,), ("60 ", "1,024 weeks")),
    # The first interval has none before it that it is like.
    FieldCase("every-30s", every_30_s(), SECONDS, ({"duration_s": 5940, "distance_km": 99},)),
    FieldCase(
        "nul-tail", csv_text(drive(300)) + "\0" * 512, SECONDS, (FIVE_MINUTES,), ("300 events, 1 dropped (1 NUL",)
    ),
    FieldCase(
        "blank-after-comma",
        csv_text(drive(300)).replace(",", ", "),
        ("timestamp=ts:s", "speed_kmh= v"),
        (FIVE_MINUTES,),
    ),
    FieldCase("utf16", csv_text(drive(300)).replace("\n", "\r\n").encode("utf-16"), SECONDS, (FIVE_MINUTES,)),
    FieldCase(
        "utf16-preamble",
        elapsed_seconds(),
        ELAPSED,
        ({"duration_s": 299.5, "distance_km": 2.6, **NO_EVENTS},),
        ("600 events",),
        options=("--start", "2026-03-02T07:15:00", "--time-zone", "UTC"),
    ),
    FieldCase(
        "date-and-time",
        time_beside_date(),
        (JOINED, "speed_kmh=Speed"),
        ({"duration_s": 599, "distance_km": 5.23, **NO_EVENTS},),
        ("600 events",),
        options=("--time-zone", "UTC"),
    ),
    FieldCase(
        "preamble",
        "# logger 2\n# StartTime = 2026-03-02 07:15:00\n" + csv_text(drive(300)),
        SECONDS,
        (FIVE_MINUTES,),
        ("300 events",),
    ),
    FieldCase("sep-line", DECIMAL_COMMAS, SECONDS, (FIVE_MINUTES,), ("300 events",)),
    FieldCase(
        "long-format",
        a_row_a_reading(),
        ("timestamp=SECONDS:s", "speed_kmh=Vehicle speed"),
        ({"duration_s": 199, "max_speed_kmh": 54, **NO_EVENTS},),
        options=("--pivot", "PID=VALUE", "--start", "2026-03-02", "--time-zone", "UTC"),
    ),
)
"""Files that can be read, with what is right for each."""

REFUSED_FILES: Final = (
    RefusedFile(
        "date-only-format",
        csv_text([("02.03.2026", speed) for speed in speeds(300)], header="day;speed", separator=";"),
        ("timestamp=day:%d.%m.%Y", "speed_kmh=speed"),
        ("no time of day",),
        options=("--time-zone", "UTC"),
    ),
    RefusedFile("utf16-preamble", elapsed_seconds(), ELAPSED, ("--start",)),
    RefusedFile(
        "date-and-time",
        time_beside_date(),
        ("timestamp=Time:%H:%M:%S", "speed_kmh=Speed"),
        ("Date+Time",),
        options=("--time-zone", "UTC"),
    ),
    RefusedFile("long-format", a_row_a_reading(), READINGS, ("--pivot PID=VALUE",)),
)
"""Files that can't be read as they are: the error is one line that says which option reads them."""
