"""Due features into Driver Scores: the same columns for the stream, file scoring and the demo."""

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.columns import OUTPUT_COLUMNS
from schemas.event_frame import EVENT_TYPES, ID_COLUMNS, VEHICLE_CLASSES
from schemas.features import COUNT_FEATURES, FEATURE_NAMES
from scoring.features.trip_state import TripStates
from scoring.features.update import DueFeatures
from scoring.features.windows import TRIP, WINDOW
from scoring.model.exposure import ExposureLimits
from scoring.model.reasons import REASON_CODES
from scoring.model.scorer import BANDS, Scorer

ALERT_COLUMNS: Final = ("alerting", "latitude", "longitude", "event_type", "peak_mps2")
"""What alerts say beside scores; ``alerting``: the trip entered the high-risk band with this score."""

SEVERE_EVENT_KIND: Final = "severe_event"
_KINDS: Final = ("window", "trip", SEVERE_EVENT_KIND)
"""By the codes of due rows."""

_ISO_MS: Final = "%Y-%m-%dT%H:%M:%S%.3fZ"


_SCORE_DIGITS: Final = 2
"""Hundredths of a point: finer than a person can use, and the same on every processor."""

_ID_BYTES: Final = 12
"""96 bits: among 10¹² scores the chance that two share an id is 10⁻⁵."""


_NULLABLE: Final = (
    *(name for name in FEATURE_NAMES if name not in COUNT_FEATURES),
    "risk",
    "score",
    *(f"reason_{place}_impact" for place in (1, 2, 3)),
)
"""Columns whose NaN means unknown, as it does in counts."""


class ScoreMaker:
    """Makes Driver Scores of due features.

    Parameters
    ----------
    scorer
        The model.
    threshold_profile
        Identity of the thresholds behind the features.
    trip_exposure, window_exposure
        The least driving for a score of a trip and of a window.
    """

    def __init__(
        self,
        scorer: Scorer,
        *,
        threshold_profile: str,
        trip_exposure: ExposureLimits,
        window_exposure: ExposureLimits,
    ) -> None:
        self._scorer = scorer
        self._threshold_profile = threshold_profile
        self._trip_exposure = trip_exposure
        self._window_exposure = window_exposure

    def make(self, states: TripStates, due: DueFeatures, *, scored_at_ms: int) -> pl.DataFrame:
        """Score what is due.

        Parameters
        ----------
        states
            The trips; whether each is in the high-risk band is kept there.
        due
            Windows and trips to score.
        scored_at_ms
            The clock, epoch milliseconds.

        Returns
        -------
        polars.DataFrame
            A row a score, in the same order: the columns of ``DriverScore`` (times as ISO 8601 text), and
            `ALERT_COLUMNS`. Rows of the kind ``severe_event`` are the trip so far: alerts, but no scores of their own.
        """
        rows = due.rows
        of_trip = rows["kind"] != WINDOW
        columns: dict[str, pl.Series] = {
            **_id_columns(states, rows),
            **_feature_columns(due.features),
            **self._score_columns(due.features, of_trip),
            "revision": pl.Series(rows["revision"]),
            "event_count": pl.Series(rows["event_count"]),
            "late_event_count": pl.Series(rows["late_event_count"]),
            "kind": _names(rows["kind"], _KINDS),
            "final": pl.Series(rows["final"] == 1),
            "window_start": pl.Series(rows["window_start_ms"]),
            "window_end": pl.Series(rows["window_end_ms"]),
            "event_time": pl.Series(rows["event_time_ms"]),
            "latitude": pl.Series(rows["latitude"].astype(np.float64)),
            "longitude": pl.Series(rows["longitude"].astype(np.float64)),
            "event_type": _names(rows["event_type"], EVENT_TYPES),
            "peak_mps2": pl.Series(rows["peak_mps2"].astype(np.float64)),
        }
        columns["score_id"] = self._score_ids(columns, rows)
        columns["alerting"] = pl.Series(_enter_high_risk(states, rows["slot"], columns["band"], rows["kind"] == TRIP))
        # One expression over many columns: Polars takes a tenth of a millisecond to begin any work at all.
        return (
            pl.DataFrame(columns)
            .with_columns(
                pl.col(_NULLABLE).fill_nan(None),
                pl.col(*COUNT_FEATURES).fill_nan(None).cast(pl.Int64),
                _iso("window_start", "window_end", "event_time"),
                _iso("scored_at", of=pl.lit(scored_at_ms)),
                model_name=pl.lit(self._scorer.name),
                model_version=pl.lit(self._scorer.version),
                model_role=pl.lit("champion"),
                threshold_profile=pl.lit(self._threshold_profile),
            )
            .select(*OUTPUT_COLUMNS["driver-scores"], *ALERT_COLUMNS)
        )

    def _score_columns(self, features: NDArray[np.float64], is_trip: NDArray[np.bool_]) -> dict[str, pl.Series]:
        limits = ExposureLimits.of_rows(is_trip, self._trip_exposure, self._window_exposure)
        batch = self._scorer.score(features, limits)
        columns = {
            "status": pl.Series(batch.scored).replace_strict(
                {True: "scored", False: "insufficient_exposure"}, return_dtype=pl.String
            ),
            "risk": pl.Series(batch.risk),
            "score": pl.Series(batch.score.round(_SCORE_DIGITS)),
            "band": _names(batch.band, BANDS),
        }
        for place in range(batch.reason_codes.shape[1]):
            columns[f"reason_{place + 1}"] = _names(batch.reason_codes[:, place], REASON_CODES)
            columns[f"reason_{place + 1}_impact"] = pl.Series(batch.reason_impacts[:, place].round(_SCORE_DIGITS))
        return columns

    def _score_ids(self, columns: dict[str, pl.Series], rows: NDArray[np.void]) -> pl.Series:
        """Hash what each score is of: the trip, the part of it, and how much of it was known.

        A score made again after a crash has the same id and the same content.
        """
        made_with = f"|{self._scorer.name}|{self._scorer.version}|{self._threshold_profile}"
        numbers = ("window_start_ms", "window_end_ms", "revision", "final", "event_count", "late_event_count")
        parts = zip(
            *(columns[name].to_list() for name in ("vehicle_id", "trip_id", "kind")),
            *(rows[name].tolist() for name in numbers),
            strict=True,
        )
        digest = partial(hashlib.blake2b, digest_size=_ID_BYTES)
        return pl.Series([digest(("|".join(map(str, part)) + made_with).encode()).hexdigest() for part in parts])


def _iso(*names: str, of: pl.Expr | None = None) -> pl.Expr:
    """Write epoch milliseconds as ISO 8601: columns in place, or an expression under a new name."""
    epoch_ms = pl.col(names) if of is None else of.alias(names[0])
    return epoch_ms.cast(pl.Datetime("ms")).dt.strftime(_ISO_MS)


def _names(codes: NDArray[np.int8], names: Sequence[str]) -> pl.Series:
    """Name codes; -1 is none."""
    return pl.Series([*names, None], dtype=pl.String).gather(codes.astype(np.int64) % (len(names) + 1))


def _id_columns(states: TripStates, rows: NDArray[np.void]) -> dict[str, pl.Series]:
    ids = states.ids_of(rows["slot"])
    columns = {
        name: pl.Series([of_trip[place] for of_trip in ids], dtype=pl.String) for place, name in enumerate(ID_COLUMNS)
    }
    columns["vehicle_class"] = _names(states.arrays.heads["vehicle_class"][rows["slot"]], VEHICLE_CLASSES)
    return columns


def _feature_columns(features: NDArray[np.float64]) -> dict[str, pl.Series]:
    return {name: pl.Series(features[:, place]) for place, name in enumerate(FEATURE_NAMES)}


def _enter_high_risk(
    states: TripStates, slots: NDArray[np.int32], bands: pl.Series, is_trip: NDArray[np.bool_]
) -> list[bool]:
    """Say which scores take their trip into the high-risk band, and keep where each trip is.

    A score of null says nothing: the trip stays where it was.
    """
    in_high_risk = states.arrays.heads["high_risk"]
    alerting = []
    for slot, band, of_trip in zip(slots.tolist(), bands, is_trip.tolist(), strict=True):
        if not of_trip or band is None:
            alerting.append(False)
            continue
        alerting.append(band == "high" and in_high_risk[slot] == 0)
        in_high_risk[slot] = band == "high"
    return alerting
