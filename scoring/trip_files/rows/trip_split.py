"""Where trips begin and end: at stands, where an id is used again, where the driver changes."""

from typing import Final

import polars as pl

from schemas.messages.trip_event import VEHICLE_DRIVER_PREFIX
from scoring.trip_files.rows.ids import legal_ids

NO_DRIVER: Final = "_no_driver"
"""Stands for a driver who is not known, until the trip's are."""

NO_TRIP: Final = "_no_trip"
"""Stands for a trip that is not known, until gaps tell."""

DRIVING_KMH: Final = 3.0
"""Receivers of GPS that stand still show up to some 2 km/h."""

_KEPT_AFTER_MS: Final = 60_000
_KEPT_BEFORE_MS: Final = 10_000
"""Rows of a stand that belong to the trip before, so that it ends in a stop, and to the one after."""


def split_trips(
    events: pl.DataFrame, *, trip_gap_s: float | None, trip_pause_s: float
) -> tuple[pl.DataFrame, dict[str, int], tuple[str, ...]]:
    """Give each row its trip and driver.

    A trip ends where the vehicle does not drive for longer than the gap or pause; rows of such a stand belong to no
    trip, but for a minute after the trip before and ten seconds before the next. A driver who is not known is the
    one who logged in before, or else the first to log in, within the trip. What each further one drives is another
    trip.

    Parameters
    ----------
    events
        An event frame in the order of time; ``driver_id`` may be `NO_DRIVER`, ``trip_id`` may be `NO_TRIP`.
    trip_gap_s
        Gap by which trips are made that have no id; null if the file has ids.
    trip_pause_s
        Pause after which an id is another trip's; 0 for never.

    Returns
    -------
    tuple of DataFrame, dict and tuple of str
        The events, rows of stands by what they were, and sentences about new trips.
    """
    limit_s = trip_pause_s if trip_gap_s is None else trip_gap_s
    trip = ["vehicle_id", "trip_id"]
    rows = events.with_columns(_part=pl.lit(0, pl.Int64))
    stands: dict[str, int] = {}
    if limit_s:
        rows, standing = _split_at_stands(rows, trip, limit_s * 1000)
        stands = {"standing still between trips": standing} if standing else {}
    part = [*trip, "_part"]
    paused = rows.select(pl.struct(part).n_unique()).item() - rows.select(pl.struct(trip).n_unique()).item()
    rows, unknown, changes = _with_drivers(rows, part)
    named = _name_by_start(rows) if trip_gap_s is not None else _name_by_number(rows, trip)
    named, long_ids = legal_ids(named, ("trip_id",))
    remarks = [
        f"{paused:,} trips begin where a trip_id is used again after {limit_s:g} s without driving"
        if paused and trip_gap_s is None
        else "",
        f"{changes:,} trips begin where the driver changes" if changes else "",
        f"{unknown:,} rows without a driver, of the driver who logged in in the trip" if unknown else "",
    ]
    return named, stands, (*(remark for remark in remarks if remark), *long_ids)


def split_by_driver(events: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Give each row of messages its driver, and each driver a trip, as a worker does.

    Parameters
    ----------
    events
        An event frame in any order; ``driver_id`` is null where none is known.

    Returns
    -------
    tuple of DataFrame and tuple of str
        The events in the same order, and sentences about new trips.
    """
    drivers = events.group_by("vehicle_id", "trip_id").agg(pl.col("driver_id").n_unique())
    if events["driver_id"].null_count() == 0 and not (drivers["driver_id"] > 1).any():
        return events, ()
    rows = events.with_row_index("_row").with_columns(pl.col("driver_id").fill_null(NO_DRIVER))
    named, _, remarks = split_trips(rows.sort("timestamp_ms", "_row"), trip_gap_s=None, trip_pause_s=0)
    return named.sort("_row").drop("_row"), remarks


def _split_at_stands(rows: pl.DataFrame, trip: list[str], limit_ms: float) -> tuple[pl.DataFrame, int]:
    """Give each trip's parts between stands a number, and drop the rows of stands."""
    time = pl.col("timestamp_ms")
    has_speed = pl.col("speed_kmh").max().over(trip).fill_null(0) >= DRIVING_KMH
    # Without speeds, or in a trip that never drives, all rows count: only a gap between rows ends it. What a device
    # detects, such as hard braking, it detects while driving.
    is_event = ~pl.col("event_type").is_in(["sample", "trip_start", "trip_end"])
    drives = ~has_speed | is_event | (pl.col("speed_kmh") >= DRIVING_KMH).fill_null(value=False)
    rows = rows.with_columns(_drives=drives)
    driven = pl.when("_drives").then(time)
    rows = rows.with_columns(_before=driven.forward_fill().over(trip), _after=driven.backward_fill().over(trip))
    first, last = time.min().over(trip), time.max().over(trip)
    stood = pl.col("_after").fill_null(last) - pl.col("_before").fill_null(first) > limit_ms
    near_before = (time - pl.col("_before")).fill_null(_KEPT_AFTER_MS + 1) <= _KEPT_AFTER_MS
    near_after = (pl.col("_after") - time).fill_null(_KEPT_BEFORE_MS + 1) <= _KEPT_BEFORE_MS
    rows = rows.with_columns(_stands=~pl.col("_drives") & stood & ~near_before & ~near_after)
    standing = int(rows["_stands"].sum())
    rows = rows.filter(~pl.col("_stands"))
    # A row that is not driving begins the next part if it is near to it only.
    previous = pl.when("_drives").then(time).shift(1).forward_fill().over(trip)
    starts = pl.col("_drives") & (time - previous > limit_ms).fill_null(value=False)
    number = starts.cast(pl.Int64).cum_sum().over(trip)
    is_of_next = (
        ~pl.col("_drives")
        & (pl.col("_after") - pl.col("_before") > limit_ms).fill_null(value=False)
        & (time - pl.col("_before") > _KEPT_AFTER_MS).fill_null(value=False)
    )
    rows = rows.with_columns(_part=number + is_of_next.cast(pl.Int64))
    return rows.drop("_drives", "_before", "_after", "_stands"), standing


def _with_drivers(rows: pl.DataFrame, part: list[str]) -> tuple[pl.DataFrame, int, int]:
    """Fill drivers in, number those of each trip, and count those after the first."""
    is_unknown = pl.col("driver_id") == NO_DRIVER
    unknown = int(rows.select(is_unknown.sum()).item())
    if unknown:
        known = pl.when(~is_unknown).then("driver_id")
        filled = known.forward_fill().over(part)
        rows = rows.with_columns(driver_id=filled).with_columns(
            pl.col("driver_id").backward_fill().over(part).fill_null(pl.lit(NO_DRIVER))
        )
        still = int(rows.select((pl.col("driver_id") == NO_DRIVER).sum()).item())
        nobody = (
            pl.when(pl.col("driver_id") == NO_DRIVER)
            .then(VEHICLE_DRIVER_PREFIX + pl.col("vehicle_id"))
            .otherwise("driver_id")
        )
        rows, _ = legal_ids(rows.with_columns(driver_id=nobody), ("driver_id",))
        unknown -= still
    rows = _number(rows, "_driver", [*part, "driver_id"], within=part)
    return rows, unknown, rows.filter(pl.col("_driver") > 1).n_unique([*part, "_driver"])


def _number(rows: pl.DataFrame, name: str, key: list[str], *, within: list[str]) -> pl.DataFrame:
    """Add the number of each row's group, from 1 in the order of their first rows."""
    first_row = pl.col("_row_of_file").min().over(key)
    numbered = rows.with_row_index("_row_of_file").with_columns(first_row.rank("dense").over(within).alias(name))
    return numbered.drop("_row_of_file")


def _name_by_start(rows: pl.DataFrame) -> pl.DataFrame:
    """Name each vehicle's trips by their start in UTC: ``trip_veh_7_20260302T081500``."""
    part = ["vehicle_id", "_part", "_driver"]
    start = pl.from_epoch(pl.col("timestamp_ms").min().over(part), time_unit="ms").dt.strftime("%Y%m%dT%H%M%S")
    return rows.with_columns(trip_id=pl.format("trip_{}_{}", "vehicle_id", start)).drop("_part", "_driver")


def _name_by_number(rows: pl.DataFrame, trip: list[str]) -> pl.DataFrame:
    """Add a number to the ids of a trip's parts from the second on: ``trip_1.2``, more points where taken."""
    rows = _number(rows, "_number", [*trip, "_part", "_driver"], within=trip).drop("_part", "_driver")
    later = rows.filter(pl.col("_number") > 1).select("trip_id", "_number").unique()
    given, points = set(rows["trip_id"].unique()), "."
    while given.intersection(f"{trip_id}{points}{number}" for trip_id, number in later.iter_rows()):
        points += "."
    numbered = pl.format(f"{{}}{points}{{}}", "trip_id", "_number")
    return rows.with_columns(trip_id=pl.when(pl.col("_number") > 1).then(numbered).otherwise("trip_id")).drop("_number")
