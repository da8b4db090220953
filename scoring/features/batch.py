"""Whole trips at once: the features of files and training sets, by the same kernels as the stream."""

import numpy as np
import polars as pl

from schemas.event_frame import ID_COLUMNS, VEHICLE_CLASSES
from schemas.features import FEATURE_NAMES
from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.events.columns import EventColumns
from scoring.features.emission import RowKind
from scoring.features.parameters import kernel_parameters, without_maxima
from scoring.features.state.trip_states import TripStates
from scoring.features.update import close_trips, update


def trip_features(events: pl.DataFrame, profile: ThresholdProfile | None = None) -> pl.DataFrame:
    """Compute the features of whole trips.

    Parameters
    ----------
    events
        Event frame, in any order.
    profile
        Thresholds; the default profile where none is given.

    Returns
    -------
    polars.DataFrame
        One row a trip, sorted by vehicle and trip: ``trip_id``, ``vehicle_id``, ``driver_id``, ``client_id``,
        ``vehicle_class``, ``window_start_ms``, ``window_end_ms``, ``event_count`` and each of ``FEATURE_NAMES`` as
        Float64, NaN where a sensor is missing.
    """
    parameters = without_maxima(kernel_parameters(profile or ThresholdProfile(), WindowSettings()))
    states = TripStates()
    states.disable_expiry()
    in_order = events.sort("vehicle_id", "trip_id", "timestamp_ms", maintain_order=True)
    emitted = update(states, EventColumns.of_frame(in_order), parameters)
    closed = close_trips(states, parameters)
    rows = np.concatenate([emitted.rows, closed.rows])
    features = np.concatenate([emitted.features, closed.features])
    of_trip = np.flatnonzero(rows["kind"] == RowKind.TRIP)
    slots = rows["slot"][of_trip]
    last_of_slot = of_trip[len(slots) - 1 - np.unique(slots[::-1], return_index=True)[1]]

    last = rows[last_of_slot]
    names = pl.DataFrame(states.ids_of(last["slot"]), schema=dict.fromkeys(ID_COLUMNS, pl.String), orient="row")
    vehicle_class = states.arrays.heads["vehicle_class"][last["slot"]]
    return names.with_columns(
        vehicle_class=pl.Series([VEHICLE_CLASSES[code] for code in vehicle_class], dtype=pl.String),
        window_start_ms=pl.Series(last["window_start_ms"]),
        window_end_ms=pl.Series(last["window_end_ms"]),
        event_count=pl.Series(last["event_count"]),
        **{name: pl.Series(features[last_of_slot, column]) for column, name in enumerate(FEATURE_NAMES)},
    ).sort("vehicle_id", "trip_id")
