"""Features of windows and trips, computed event by event, the same for stream, training and files.

`update` processes events: ``state`` keeps the open trips of a partition, ``aggregation`` adds events to the sums of a
window or trip, ``emission`` decides when their features are emitted, ``clock`` when a silent trip is closed, and
``eviction`` when its state is freed.
`EmittedFeatures` have all that scoring needs. `correct_trip` computes a trip again of which events came late.
`trip_features` computes whole trips at once.
"""

from scoring.features.aggregation.folding import SPARSE_FACTOR
from scoring.features.batch import trip_features
from scoring.features.emission import RowKind
from scoring.features.emitted import EmittedFeatures, published_ids
from scoring.features.late_trips import CorrectedTrip, correct_trip, drivers_trips
from scoring.features.parameters import KernelParameters, kernel_parameters
from scoring.features.state import LateTrip, TripStates
from scoring.features.update import close_trips, update

__all__ = [
    "SPARSE_FACTOR",
    "CorrectedTrip",
    "EmittedFeatures",
    "KernelParameters",
    "LateTrip",
    "RowKind",
    "TripStates",
    "close_trips",
    "correct_trip",
    "drivers_trips",
    "kernel_parameters",
    "published_ids",
    "trip_features",
    "update",
]
