"""A stream whose every result is known: the simulated fleet, repeated as needed, disturbed, sent share by share."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from driver_score.replay import Disturbance, append_trip_ends, disturb, plan_sending
from driver_score.replay.send_plan import TRIP_KEY
from scoring.features.batch import trip_features
from scoring.trip_files import DEFAULT_FLEET_PATH, read_trip_file

STARTS_WITHIN_MS: Final = 3_600_000
"""Trips start within an hour of event time: a third of them is under way at any time."""


@dataclass(frozen=True)
class KnownStream:
    """What is sent, and what must come of it.

    Attributes
    ----------
    plan
        A send plan, garbage included.
    copies
        How often each trip is sent; copies have ids of their own and the same results.
    expected
        Batch features of each trip of the first copy.
    garbage
        Messages that must all be rejected, copies included; each as often as it is sent.
    """

    plan: pl.DataFrame
    copies: int
    expected: pl.DataFrame
    garbage: list[bytes]

    @property
    def messages(self) -> int:
        """Count what is sent."""
        return len(self.plan) * self.copies

    @property
    def trips(self) -> int:
        """Count the trips."""
        return len(self.expected) * self.copies

    def begun(self, sent: int, unfinished: Collection[tuple[str, str]]) -> pl.DataFrame:
        """Give what must be sent again, in its order, when the log of the messages so far is lost.

        That is all there was of each trip that is not complete, or of which something is still to be sent, if only a
        duplicate: without the state of its trip it would begin another one. Garbage is not sent again.

        Parameters
        ----------
        sent
            Messages so far.
        unfinished
            Vehicle and trip, of the first copy, of the trips without a final score of all their events.
        """
        events = self.plan.with_row_index("row").filter(pl.col("garbage").is_null())
        rows, rest = divmod(sent, self.copies)
        is_sent = pl.col("row") < rows + (rest > 0)
        later = events.filter(pl.col("row") >= rows).select(TRIP_KEY)
        named = pl.DataFrame(list(unfinished), schema=dict.fromkeys(TRIP_KEY, pl.String), orient="row")
        again = pl.concat([later, named]).unique()
        return events.filter(is_sent).join(again, on=list(TRIP_KEY), how="semi", maintain_order="left").drop("row")


def known_stream(events: int, seed: int) -> KnownStream:
    """Make a stream of about so many events: some drivers of the simulated fleet, or all of them several times."""
    fleet = read_trip_file(DEFAULT_FLEET_PATH, file_format="fleet").events
    copies = max(1, round(events / len(fleet)))
    per_driver = fleet.group_by("driver_id").len().sort("driver_id")
    wanted = per_driver.filter(pl.col("len").cum_sum() <= max(events // copies, per_driver["len"][0]))
    chosen = append_trip_ends(_staggered(fleet.filter(pl.col("driver_id").is_in(wanted["driver_id"].implode())), seed))
    disturbance = Disturbance(duplicates=0.01, out_of_order=0.02, garbage=0.002, seed=seed)
    plan = disturb(plan_sending(chosen), disturbance)
    garbage = plan["garbage"].drop_nulls().to_list() * copies
    return KnownStream(plan, copies, trip_features(chosen), garbage)


def _staggered(events: pl.DataFrame, seed: int) -> pl.DataFrame:
    trips = (
        events.group_by("vehicle_id", "trip_id").agg(start=pl.col("timestamp_ms").min()).sort("vehicle_id", "trip_id")
    )
    first_ms = trips["start"].min()
    drawn = np.random.default_rng(seed).integers(0, STARTS_WITHIN_MS, len(trips))
    moved = trips.select("vehicle_id", "trip_id", move_ms=first_ms + pl.Series(drawn) - trips["start"])
    joined = events.join(moved, on=["vehicle_id", "trip_id"], maintain_order="left")
    return joined.with_columns(pl.col("timestamp_ms") + pl.col("move_ms")).drop("move_ms")
