"""Contents of files as people's loggers write them, each with one fault.

Most hold rounds: every 90 s from 0 to 54 km/h and back to 0 at 1 m/s²; in 630 s that is 5.25 km with
seven stops and no hard event.
"""

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from tests.support.examples.trip_tables import START_S, csv_text

TRIP_S: Final = 630
ROLLOVER_S: Final = 1024 * 7 * 86_400
DAYS_3_S: Final = 3 * 86_400
STATIONARY_S: Final = 4 * 3600
GRAVITY_MPS2: Final = -9.81


def speeds(seconds: int) -> list[float]:
    """Give the speed of each second of rounds, km/h."""
    return [3.6 * max(0, min(phase, 15, 65 - phase)) for phase in (second % 90 for second in range(seconds))]


def drive(seconds: int, *, start_s: int = START_S) -> list[tuple[int, float]]:
    """Give seconds since 1970 and speeds of rounds."""
    return [(start_s + second, round(speed, 1)) for second, speed in enumerate(speeds(seconds))]


def rows(more: Callable[[int], tuple[object, ...]] = lambda _: (), count: int = TRIP_S) -> list[tuple[object, ...]]:
    """Give the rows of the round: seconds since 1970, speed, and more columns by the row's number."""
    return [(at_s, speed, *more(number)) for number, (at_s, speed) in enumerate(drive(count))]


def acceleration_mps2(second: int) -> float:
    """Give the acceleration of the round."""
    phase = second % 90
    return 1.0 if phase < 15 else -1.0 if 50 <= phase < 65 else 0.0


def written_at(second: int, form: str, *, start: datetime, step_s: int = 1) -> str:
    """Write the local time of a row."""
    return f"{start + timedelta(seconds=step_s * second):{form}}"


def held_speed() -> str:
    known = speeds(TRIP_S)
    return csv_text([(START_S + at, known[at // 5 * 5]) for at in range(TRIP_S)])


def one_row_two_hours_ahead() -> str:
    return csv_text([(at_s + 7200 * (at_s == START_S + 200), speed) for at_s, speed in drive(TRIP_S)])


def end_of_summer_time() -> str:
    """Write 1.5 h from 02:30 summer time on, in local time: 02:30 to 03:00, then 02:00 to 03:00 again."""
    known = speeds(90)
    texts = [
        f"2025-10-26 02:{second // 60:02}:{second % 60:02}" for second in [*range(1800, 3600, 5), *range(0, 3600, 5)]
    ]
    return csv_text([(text, known[5 * number % 90]) for number, text in enumerate(texts)], header="time,v")


def night_with_offsets() -> str:
    zone = timezone(timedelta(hours=1))
    start = datetime(2025, 8, 5, 23, 10, tzinfo=zone)
    header = "GPS Time, Device Time, Longitude, Latitude,GPS Speed (Meters/second),Speed (OBD)(km/h)"
    table = [
        (
            written_at(second, "%a %b %d %H:%M:%S GMT+01:00 %Y", start=start),
            written_at(second, "%d-ago.-%Y %H:%M:%S.100", start=start),
            *(-8.0, 40.0, round(speed / 3.6, 3), round(speed)),
        )
        for second, speed in enumerate(speeds(TRIP_S))
    ]
    return csv_text(table, header=header)


def five_rows_a_second() -> tuple[str, float]:
    """Write whole seconds for five rows each, with a hard brake in each of three rounds.

    The sensor is noisy; told is the root mean square of the true acceleration, as noise averages out within a second.
    """
    noise = random.Random(1)
    speed_mps, table, sum_of_squares = 0.0, [], 0.0
    for number in range(5 * 270):
        phase = number / 5 % 90
        true_mps2 = 1.0 if phase < 15 else -4.0 if 50 <= phase < 53.75 else 0.0
        sum_of_squares += true_mps2**2
        at = written_at(number // 5, "%d/%m/%Y %H:%M:%S", start=datetime.fromtimestamp(START_S, UTC))
        table.append((at, f"{true_mps2 + noise.gauss(0, 0.5):.2f}", f"{3.6 * speed_mps:.1f}"))
        speed_mps = max(0.0, speed_mps + true_mps2 / 5)
    return csv_text(table, header="time,ay,v"), math.sqrt(sum_of_squares / len(table))


def gravity() -> str:
    noise = random.Random(2)
    return csv_text(
        rows(lambda at: (f"{GRAVITY_MPS2 + acceleration_mps2(at) + noise.gauss(0, 0.15):.2f}",)), header="ts,v,ax"
    )


def id_used_again() -> str:
    """Write 360 s of trip 12, and of another trip 12 three days later, with a hard brake in each of its rounds."""
    again = [min(speed, 3.6 * max(0, 15 - 6 * max(0, at % 90 - 50))) for at, speed in enumerate(speeds(360))]
    later = [(START_S + 360 + DAYS_3_S + at, 12, round(speed, 1)) for at, speed in enumerate(again)]
    return csv_text([*((at_s, 12, speed) for at_s, speed in drive(360)), *later], header="ts,trip,v")


def parked_between_trips() -> str:
    parked = [(START_S + 360 + after_s, 0.0) for after_s in range(120, STATIONARY_S, 120)]
    return csv_text([*drive(360), *parked, *drive(360, start_s=START_S + 360 + STATIONARY_S)])


def plates() -> str:
    table = [(at_s, plate, speed) for at_s, speed in drive(300) for plate in ("X-AB12", "X CD 34")]
    return csv_text(table, header="ts,unit,v")


def weeks_begin_again() -> str:
    return csv_text([(at_s - ROLLOVER_S * (at_s < START_S + 60), speed) for at_s, speed in drive(TRIP_S)])


def every_30_s() -> str:
    table = [(START_S + 30 * number, round(60 + 15 * math.sin(number / 3.5))) for number in range(200)]
    return csv_text(table)


def elapsed_seconds() -> bytes:
    known = speeds(300)
    table = [(f"{number / 2:.2f}", f" {known[number // 2]:.0f}") for number in range(600)]
    text = csv_text(table, header="Trip Data Log\nMar 2, 2026\nTime(s), Vehicle Speed (km/h)")
    return text.replace("\n", "\r\n").encode("utf-16")


def time_beside_date() -> str:
    start = datetime(2026, 3, 2, 23, 55, tzinfo=UTC)
    table = [
        (written_at(at, "%m/%d/%Y", start=start), written_at(at, "%H:%M:%S", start=start), speed)
        for at, speed in enumerate(speeds(600))
    ]
    return csv_text(table, header="Date,Time,Speed")


def a_row_a_reading() -> str:
    since_midnight = 7 * 3600 + 15 * 60
    table = [
        row
        for at, speed in enumerate(speeds(200))
        for row in (
            (f"{since_midnight + at}.1", "Vehicle speed", round(speed), "km/h"),
            (f"{since_midnight + at}.4", "Engine RPM", 900 + round(20 * speed), "rpm"),
            (f"{since_midnight + at}.7", "Engine coolant temperature", 90, "C"),
        )
    ]
    return csv_text(table, header="SECONDS;PID;VALUE;UNITS", separator=";")
