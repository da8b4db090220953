"""Fleets that upload what they have sampled every so often, in the order in which the uploads arrive."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.event_frame import EVENT_SCHEMA
from tests.reference.random_trips import NOON_MS

SAMPLE_EVERY_S = 5


@dataclass(frozen=True)
class Uploads:
    """What arrives, a row an event; seconds from noon.

    Attributes
    ----------
    vehicle, second
        Who sampled, and when.
    arrives
        When it was uploaded.
    vanishes
        For each vehicle, when it stops to send for ever, without the end of its trip.
    """

    vehicle: NDArray[np.int64]
    second: NDArray[np.float64]
    arrives: NDArray[np.float64]
    vanishes: NDArray[np.float64]

    def between(self, first: float, last: float) -> pl.DataFrame:
        """Make the event frame of what arrives from one second, and before another."""
        rows = slice(*np.searchsorted(self.arrives, (first, last)))
        name = self.vehicle[rows].astype(str)
        made = pl.DataFrame(
            {
                "trip_id": np.char.add("trip_", name),
                "vehicle_id": np.char.add("veh_", name),
                "timestamp_ms": NOON_MS + (self.second[rows] * 1000).astype(np.int64),
            }
        ).with_columns(
            driver_id=pl.lit("d"),
            client_id=pl.lit("c"),
            vehicle_class=pl.lit("car"),
            event_type=pl.lit("sample"),
            speed_kmh=pl.lit(36.0),
        )
        missing = [pl.lit(None).alias(column) for column in EVENT_SCHEMA if column not in made.columns]
        return made.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in EVENT_SCHEMA.items())


def uploads(every_s: list[float], *, seconds: int, vanishing: int = 0, seed: int = 1, delay_s: float = 0) -> Uploads:
    """Let vehicles drive for so long, and upload at their own intervals and phases, a tenth of an interval off at most.

    Parameters
    ----------
    every_s
        Interval between the uploads of each vehicle; 1 for one that sends each sample at once.
    seconds
        How long they drive.
    vanishing
        So many of them stop to send between a sixth and a half of that.
    delay_s
        Each upload arrives up to so much later, those of a vehicle in order.
    """
    draw = np.random.default_rng(seed)
    vanishes = np.full(len(every_s), np.inf)
    vanishes[draw.permutation(len(every_s))[:vanishing]] = draw.uniform(seconds / 6, seconds / 2, vanishing)
    parts = []
    for number, interval_s in enumerate(every_s):
        sampled = np.arange(
            draw.uniform(0, SAMPLE_EVERY_S), min(seconds, vanishes[number]), min(SAMPLE_EVERY_S, max(interval_s, 1))
        )
        count = int(seconds / interval_s) + 3
        uploaded = (np.arange(count) + draw.uniform(0, 1) + draw.uniform(-0.1, 0.1, count)) * interval_s
        uploaded = np.maximum.accumulate(uploaded + draw.uniform(0, delay_s, count))
        arrives = uploaded[np.searchsorted(uploaded, sampled)]
        parts.append((np.full(len(sampled), number), sampled, arrives))
    vehicle, second, arrives = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(arrives, kind="stable")
    return Uploads(vehicle[order], second[order], arrives[order], vanishes)
