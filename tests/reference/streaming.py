"""Run events through the core in frames, and collect what it emits in a form that can be compared to the bit."""

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.event_frame import EVENT_TYPES
from schemas.features import FEATURE_NAMES
from schemas.thresholds import SevereEventSettings, ThresholdProfile, WindowSettings
from scoring.events.columns import EventColumns
from scoring.features.emission import RowKind
from scoring.features.emitted import EmittedFeatures
from scoring.features.late_trips import correct_trip
from scoring.features.parameters import KernelParameters, kernel_parameters
from scoring.features.state.trip_states import TripStates
from scoring.features.update import close_trips, update
from tests.reference.random_trips import Event, frame_of

MARKS = ("window_start_ms", "window_end_ms", "event_time_ms", "revision", "event_count", "late_event_count")


@dataclass(frozen=True)
class EmittedRow:
    """One emitted row: what it is of, and its features."""

    trip: str
    kind: str
    final: bool
    window_start_ms: int
    window_end_ms: int
    event_time_ms: int
    revision: int
    event_count: int
    late_event_count: int
    features: NDArray[np.float64]

    def __getitem__(self, name: str) -> float | None:
        found = float(self.features[FEATURE_NAMES.index(name)])
        return None if np.isnan(found) else found

    @property
    def bits(self) -> tuple[Any, ...]:
        """Everything, comparable to the bit: NaN equals NaN."""
        marks = (self.trip, self.kind, self.final, self.window_start_ms, self.window_end_ms, self.event_time_ms)
        return (*marks, self.revision, self.event_count, self.late_event_count, self.features.tobytes())


class Partition:
    """The states of one partition, and everything that it has emitted."""

    def __init__(self, *, profile: ThresholdProfile | None = None, **settings: Any) -> None:
        severe = {name: settings.pop(name) for name in SevereEventSettings.model_fields.keys() & settings.keys()}
        self.parameters: KernelParameters = kernel_parameters(
            profile or ThresholdProfile(), WindowSettings(**settings), SevereEventSettings(**severe)
        )
        self.states = TripStates()
        self._log: list[EventColumns] = []
        self._end = 0
        self.emitted: list[EmittedRow] = []
        self.severe: list[tuple[str, int, str, float]] = []
        """Trip, time, type and peak of each severe event."""

    def send(self, events: list[Event] | pl.DataFrame) -> list[EmittedRow]:
        """Process one frame; return the rows that it emits."""
        frame = events if isinstance(events, pl.DataFrame) else frame_of(events)
        columns = EventColumns.of_frame(frame)
        columns.offsets[:] = range(self._end, self._end + len(columns))
        self._end += len(columns)
        self._log.append(columns.take(np.arange(len(columns))))
        return self._collect(update(self.states, columns, self.parameters))

    def correct(self) -> list[EmittedRow]:
        """Compute the trips of which events were late again, from the log."""
        rows = []
        log = reduce(EventColumns.followed_by, self._log)
        ids = list(zip(log.ids("trip_id"), log.ids("vehicle_id"), strict=True))
        while self.states.late_trips:
            key = next(iter(self.states.late_trips))
            trip = self.states.late_trips.pop(key)
            within = (log.offsets >= trip.first_offset) & (log.offsets <= trip.last_offset)
            of_trip = within & np.array([pair == trip.ids[:2] for pair in ids])
            rows += self._collect(correct_trip(trip, log.take(of_trip), self.parameters).emitted)
        return rows

    @property
    def slot_of(self) -> dict[str, int]:
        """Slot of each open trip."""
        slots = self.states.slots()
        return {trip: slot for (trip, *_), slot in zip(self.states.ids_of(slots), slots.tolist(), strict=True)}

    def close(self) -> list[EmittedRow]:
        return self._collect(close_trips(self.states, self.parameters))

    def _collect(self, emitted: EmittedFeatures) -> list[EmittedRow]:
        kinds = {RowKind.WINDOW: "window", RowKind.TRIP: "trip"}
        trips = [trip for trip, *_ in emitted.ids()]
        self.severe += [
            (trip, int(row["event_time_ms"]), EVENT_TYPES[row["event_type"]], float(row["peak_mps2"]))
            for trip, row in zip(trips, emitted.rows, strict=True)
            if row["kind"] == RowKind.SEVERE_EVENT
        ]
        rows = [
            EmittedRow(
                trip,
                kinds[RowKind(int(row["kind"]))],
                bool(row["final"]),
                **{name: int(row[name]) for name in MARKS},
                features=features,
            )
            for trip, row, features in zip(trips, emitted.rows, emitted.features, strict=True)
            if row["kind"] != RowKind.SEVERE_EVENT
        ]
        self.emitted += rows
        return rows

    def of_trip(self, trip: str, kind: str | None = None) -> list[EmittedRow]:
        return [row for row in self.emitted if row.trip == trip and kind in (None, row.kind)]


def bits_by_trip(rows: list[EmittedRow]) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of each trip, in order."""
    grouped: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        grouped.setdefault(row.trip, []).append(row.bits)
    return grouped


def last_scores(rows: list[EmittedRow]) -> dict[tuple[str, str, int], bytes]:
    """Features of the highest revision of each window, and of each trip."""
    newest: dict[tuple[str, str, int], EmittedRow] = {}
    for row in rows:
        key = (row.trip, row.kind, row.window_start_ms if row.kind == "window" else 0)
        assert key not in newest or newest[key].revision < row.revision, "revisions grow"
        newest[key] = row
    return {key: row.features.tobytes() for key, row in newest.items()}
