"""Disturbances as of a real network: duplicates, events out of order, and garbage messages."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

MAX_DELAY_MS: Final = 5_000
"""Longest delay of an event that is sent out of order, in event time."""

_IDS: Final = b'"trip_id": "trip_1", "vehicle_id": "veh_1", "driver_id": "drv_1", "client_id": "client_1"'

GARBAGE: Final[tuple[bytes, ...]] = (
    b"",
    b"not json",
    b'{"trip_id": "trip_cut',
    b'{"trip_id": "\xff\xfe", "speed_kmh": 1}',
    b"[1, 2, 3]",
    b'{"speed_kmh": 50.0}',
    b'{%s, "timestamp": 0, "speed_kmh": 50.0}' % _IDS,
    b'{%s, "timestamp": "2026-03-02T08:15:00Z", "speed_kmh": 9999.0}' % _IDS,
)
"""Messages that must all be rejected: empty, no JSON, cut off, no UTF-8, no object, no ids, 1970, too fast."""


@dataclass(frozen=True)
class Disturbance:
    """How much of a stream is disturbed; the same seed disturbs the same events.

    Attributes
    ----------
    duplicates
        Share of events that are sent a second time, up to `MAX_DELAY_MS` later.
    out_of_order
        Share of samples that are sent up to `MAX_DELAY_MS` late.
    garbage
        Garbage messages added, as a share of the events.
    seed
        Seed of the random numbers.
    """

    duplicates: float = 0.0
    out_of_order: float = 0.0
    garbage: float = 0.0
    seed: int = 0


def disturb(plan: pl.DataFrame, disturbance: Disturbance) -> pl.DataFrame:
    """Disturb a send plan: no event is lost or changed, only when and how often it is sent.

    Starts and ends of trips keep their time: a sample that is late by more than they are is the disturbance.

    Parameters
    ----------
    plan
        A send plan without garbage.
    disturbance
        Shares and seed.

    Returns
    -------
    DataFrame
        A send plan, sorted by ``send_ms``.
    """
    random = np.random.default_rng(disturbance.seed)

    def delays(rows: int) -> pl.Series:
        return pl.Series(random.integers(1, MAX_DELAY_MS, rows, endpoint=True))

    def chosen(share: float) -> pl.Series:
        return pl.Series(random.random(plan.height) < share, dtype=pl.Boolean)

    is_sample = ~plan["event_type"].is_in(["trip_start", "trip_end"])
    late = chosen(disturbance.out_of_order) & is_sample
    send_ms = plan["send_ms"]
    delayed = plan.with_columns(send_ms=send_ms + delays(plan.height) * late.cast(pl.Int64))
    again = delayed.filter(chosen(disturbance.duplicates))
    again = again.with_columns(pl.col("send_ms") + delays(again.height))

    places = random.integers(0, max(plan.height, 1), round(disturbance.garbage * plan.height))
    kinds = random.integers(0, len(GARBAGE), len(places))
    garbage = plan[places].with_columns(garbage=pl.Series([GARBAGE[kind] for kind in kinds], dtype=pl.Binary))
    return pl.concat([delayed, again, garbage]).sort("send_ms", maintain_order=True)
