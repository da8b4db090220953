import math
from collections.abc import Callable
from datetime import UTC, datetime
from functools import reduce
from operator import xor
from pathlib import Path

import pytest

from scoring.errors import InputFileError
from tests.support.examples.trip_tables import START_S, drive, read_content, speeds

pytest.importorskip("gpxpy", reason="gpxpy is not installed: pip install 'driver-score[files]'")
pytest.importorskip("pynmeagps", reason="pynmeagps is not installed: pip install 'driver-score[files]'")

METRES_PER_DEGREE = math.pi / 180 * 6_371_008.8


def positions(seconds: int) -> list[tuple[float, float]]:
    """Give a position each second of a drive due north."""
    metres, places = 0.0, []
    for speed in speeds(seconds):
        places.append((50.0 + metres / METRES_PER_DEGREE, 8.0))
        metres += speed / 3.6
    return places


def gpx(points: list[str], *, version: str = "1.1", namespaces: str = "") -> str:
    namespace = f"http://www.topografix.com/GPX/{version.replace('.', '/')}"
    segment = "\n".join(points)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<gpx version="{version}" creator="test" xmlns="{namespace}" {namespaces}>'
        f"<trk><name>drive</name><trkseg>{segment}</trkseg></trk></gpx>"
    )


def point(place: int, position: tuple[float, float], inner: str = "", *, time: bool = True) -> str:
    stamp = f"<time>{datetime.fromtimestamp(START_S + place, tz=UTC):%Y-%m-%dT%H:%M:%SZ}</time>" if time else ""
    return f'<trkpt lat="{position[0]:.7f}" lon="{position[1]}">{stamp}{inner}</trkpt>'


def in_plain(speed: float) -> str:
    return f"<course>12.0</course><speed>{speed / 3.6:.3f}</speed>"


def in_garmin(speed: float) -> str:
    return (
        "<extensions><g:TrackPointExtension>"
        f"<g:speed>{speed / 3.6:.3f}</g:speed><g:course>12.0</g:course></g:TrackPointExtension></extensions>"
    )


def in_osmand(speed: float) -> str:
    return f"<extensions><osmand:speed>{speed / 3.6:.3f}</osmand:speed><course>12.0</course></extensions>"


NAMESPACES = (
    'xmlns:g="http://www.garmin.com/xmlschemas/TrackPointExtension/v2" xmlns:osmand="https://osmand.net/docs/technical"'
)


@pytest.mark.parametrize(("version", "inner"), [("1.0", in_plain), ("1.1", in_garmin), ("1.1", in_osmand)])
def test_a_gpx_tracks_speeds_are_those_that_the_device_wrote(
    tmp_path: Path, version: str, inner: Callable[[float], str]
) -> None:
    points = [
        point(place, position, inner(speed))
        for place, (position, speed) in enumerate(zip(positions(180), speeds(180), strict=True))
    ]
    text = gpx(points, version=version, namespaces=NAMESPACES)
    events = read_content(tmp_path, text, name="a.gpx", file_format="gpx").events
    assert events["timestamp_ms"].to_list() == [time * 1000 for time, _ in drive()]
    assert events["speed_kmh"].to_list() == pytest.approx(speeds(180), abs=0.01)
    assert events["heading_deg"].unique().to_list() == [12]
    assert events.select("vehicle_id", "client_id", "trip_id").unique().rows() == [
        ("veh_1", "client_1", "trip_veh_1_20260302T071500")
    ]


@pytest.mark.parametrize("every_s", [1, 2, 5, 30])
def test_a_gpx_track_without_speeds_gets_them_from_its_positions(tmp_path: Path, every_s: int) -> None:
    places = list(enumerate(positions(600)))[::every_s]
    trip_file = read_content(
        tmp_path, gpx([point(place, position) for place, position in places]), name="a.gpx", file_format="gpx"
    )
    speed = trip_file.events["speed_kmh"]
    assert "the file has no speeds" in str(trip_file.summary)
    distance_km = float(speed.drop_nulls().sum()) * every_s / 3600
    assert distance_km == pytest.approx(sum(speeds(600)) / 3600, rel=0.1)
    steepest = float(speed.diff().drop_nulls().abs().max()) / 3.6 / every_s  # type: ignore[arg-type]
    assert steepest <= 1.05
    assert every_s > 5 or float(speed.max()) == pytest.approx(54, abs=4)  # type: ignore[arg-type]


def test_a_jump_of_the_position_is_no_speed(tmp_path: Path) -> None:
    places = positions(60)
    places[30] = (51.0, 8.0)
    points = [point(place, position) for place, position in enumerate(places)]
    events = read_content(tmp_path, gpx(points), name="a.gpx", file_format="gpx").events
    assert float(events["speed_kmh"].max()) < 60  # type: ignore[arg-type]


def test_gpx_points_without_a_time_are_counted(tmp_path: Path) -> None:
    points = [point(place, position, time=place != 5) for place, position in enumerate(positions(60))]
    summary = read_content(tmp_path, gpx(points), name="a.gpx", file_format="gpx").summary
    assert (summary.rows_read, dict(summary.dropped)) == (60, {"no timestamp": 1})


def test_the_vehicle_of_a_track_can_be_named(tmp_path: Path) -> None:
    points = [point(place, position) for place, position in enumerate(positions(60))]
    trip_file = read_content(
        tmp_path, gpx(points), "vehicle_id==van_9", name="a.gpx", file_format="gpx", time_zone="Europe/Berlin"
    )
    assert trip_file.events.select("vehicle_id", "utc_offset_min").unique().rows() == [("van_9", 60)]


@pytest.mark.parametrize("text", ["<gpx", "no xml", gpx([])])
def test_a_file_that_is_no_track_is_one_clear_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputFileError, match=r"a\.gpx: (can't be read as GPX|has no points)"):
        read_content(tmp_path, text, name="a.gpx", file_format="gpx")


def sentence(body: str) -> str:
    return f"${body}*{reduce(xor, body.encode()):02X}"


def rmc(place: int, speed: float, *, status: str = "A", talker: str = "GP") -> str:
    moment = datetime.fromtimestamp(START_S + place, tz=UTC)
    return sentence(
        f"{talker}RMC,{moment:%H%M%S}.00,{status},5000.0000,N,00800.0000,W,{speed / 1.852:.3f},12.0,{moment:%d%m%y},,,A"
    )


def test_nmea_has_time_position_and_speed(tmp_path: Path) -> None:
    gga = sentence("GPGGA,071500.00,5000.0000,N,00800.0000,W,1,08,1.0,100.0,M,47.0,M,,")
    lines = [line for place, (_, speed) in enumerate(drive()) for line in (gga, rmc(place, speed, talker="GN"))]
    trip_file = read_content(tmp_path, "\r\n".join(lines), name="a.nmea", file_format="nmea")
    events = trip_file.events
    assert events["timestamp_ms"].to_list() == [time * 1000 for time, _ in drive()]
    assert events["speed_kmh"].to_list() == pytest.approx(speeds(180), abs=0.01)
    assert events.select("latitude", "longitude", "heading_deg").unique().rows() == [(50, -8, 12)]
    assert "180 sentences that are not RMC left out" in str(trip_file.summary)


def test_damaged_sentences_and_those_without_a_fix_are_counted(tmp_path: Path) -> None:
    lines = [rmc(place, speed) for place, (_, speed) in enumerate(drive())]
    lines[3] = lines[3].replace("*", "1*")
    lines[5] = rmc(5, 20, status="V")
    lines[9] = f"2026-03-02 07:15:09 {lines[9]}"
    summary = read_content(tmp_path, "\n".join(lines), name="a.nmea", file_format="nmea").summary
    assert dict(summary.dropped) == {"damaged sentences": 1, "without a valid fix": 1}
    assert (summary.rows_read, summary.events) == (180, 178)


def test_a_file_without_rmc_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="has no RMC sentence"):
        read_content(tmp_path, sentence("GPVTG,12.0,T,,M,10.0,N,18.5,K,A"), name="a.nmea", file_format="nmea")
