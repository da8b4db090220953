"""Trips of which events came late: computed again from all of their events, in order of time.

A trip's sums include an event only within the grace period, as they can't go back in time. Where events came later, as
devices send them that were without coverage, each final score of the trip is followed by one that is computed from the
log: so features do not depend on the order in which events arrive, as long as the trip is kept.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.events.columns import EventColumns
from scoring.events.ids import IdPlace
from scoring.features.emission import RowKind
from scoring.features.emitted import EmittedFeatures
from scoring.features.event_time import ROLLOVER_MS, ROLLOVER_TOLERANCE_MS
from scoring.features.parameters import KernelParameters, without_maxima
from scoring.features.state.trip_states import LateTrip, TripStates
from scoring.features.update import close_trips, find_slots, update


@dataclass(frozen=True)
class CorrectedTrip:
    """A trip computed again: what one driver drove of it.

    Attributes
    ----------
    states, slot
        Where it is: its slot, beside those of the trip's other drivers.
    emitted
        Its windows and the trip, each once and final.
    """

    states: TripStates
    slot: int
    emitted: EmittedFeatures

    @property
    def key(self) -> int:
        """Hash of its vehicle and trip id."""
        return int(self.states.arrays.identities["key"][self.slot])

    @property
    def part(self) -> int:
        """Which driver of the trip."""
        return int(self.states.arrays.heads["part"][self.slot])


def correct_trip(
    trip: LateTrip, events: EventColumns, parameters: KernelParameters, *, first_revision: int = 0
) -> CorrectedTrip:
    """Compute a trip again.

    Parameters
    ----------
    trip
        What was late.
    events
        All events of the trip in its part of the log, of all drivers, in the order in which they arrived.
    parameters
        Thresholds and window settings.
    first_revision
        What is added to the revision.
    """
    states = TripStates()
    states.disable_expiry()
    states.first_revision = first_revision
    settings = without_maxima(parameters)
    parts = [update(states, in_order(events), settings), close_trips(states, settings)]
    rows = np.concatenate([part.rows for part in parts])
    features = np.concatenate([part.features for part in parts])
    slot = _slot_of(trip, states)
    states.arrays.heads["part"][slot] = trip.part
    of_driver = np.flatnonzero(rows["slot"] == slot)
    last = of_driver[_last_of_each(rows[of_driver])]
    rows = rows[last]
    rows["final"] = 1
    rows["driver_known"] = states.id_sizes(np.array([slot]))[0, IdPlace.DRIVER] > 0
    rows["revision"] = trip.revision
    rows["late_event_count"] += trip.lost_event_count
    return CorrectedTrip(states, slot, EmittedFeatures.of(states, rows, features[last]))


def _slot_of(trip: LateTrip, states: TripStates) -> int:
    """Give the slot of the trip's driver; of the first one where none was known."""
    slots = states.slots()
    drivers = [ids[IdPlace.DRIVER] for ids in states.ids_of(slots)]
    driver = trip.ids[IdPlace.DRIVER]
    return int(slots[drivers.index(driver) if driver in drivers else 0])


def drivers_trips(events: EventColumns) -> list[LateTrip]:
    """Give what each driver drove of a trip, all of whose events these are, in the order in which they arrived."""
    states = TripStates()
    find_slots(states, events)
    slots = states.slots()
    parts = states.arrays.heads["part"][slots].tolist()
    first, last = int(events.offsets.min()), int(events.offsets.max())
    return [
        LateTrip(ids, first, last, revision=0, part=part) for ids, part in zip(states.ids_of(slots), parts, strict=True)
    ]


def in_order(events: EventColumns) -> EventColumns:
    """Sort the events of one trip by time; of those with the same ``event_id`` the first to arrive is kept.

    Times that are 1,024 weeks behind most of the others are put right.
    """
    hashes = events.samples["event_hash"]
    named = np.flatnonzero(hashes)
    repeated = np.setdiff1d(named, named[np.unique(hashes[named], return_index=True)[1]])
    kept = events.take(np.delete(np.arange(len(events)), repeated))
    times = kept.samples["timestamp_ms"]
    behind_ms = np.sort(times)[len(times) // 2] - times
    times[np.abs(behind_ms - ROLLOVER_MS) < ROLLOVER_TOLERANCE_MS] += ROLLOVER_MS
    return kept.take(np.argsort(times, kind="stable"))


def _last_of_each(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """Give the places of the last row of each window, in the order of their ends, and of the trip."""
    last = {}
    for place, row in enumerate(rows):
        if row["kind"] != RowKind.SEVERE_EVENT:
            last[int(row["kind"]), int(row["window_start_ms"]) * (row["kind"] == RowKind.WINDOW)] = place
    places = np.array(list(last.values()), np.int64)
    return places[np.lexsort([rows["window_end_ms"][places], rows["kind"][places]])]
