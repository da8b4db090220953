"""Emitted features into Driver Scores: the same columns for the stream, file scoring and the demo."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from schemas.event_frame import EVENT_TYPES, ID_COLUMNS, VEHICLE_CLASSES
from schemas.features import COUNT_FEATURES, FEATURE_NAMES
from schemas.messages.driver_score import ModelRole
from scoring.features import EmittedFeatures, RowKind
from scoring.model import BANDS, REASON_CODES, ExposureLimits, Scorer

ALERT_COLUMNS: Final = ("latitude", "longitude", "event_type", "peak_mps2")
"""What alerts have beside scores. The engine adds ``alerting``: whether the trip entered the high-risk band."""

SEVERE_EVENT_KIND: Final = "severe_event"
_KINDS: Final = ("window", "trip", SEVERE_EVENT_KIND)
"""By `RowKind`."""

_SCORE_DIGITS: Final = 2
"""Hundredths of a point: finer than a person can use, and the same on every processor."""

_ID_BYTES: Final = 12
"""96 bits: among 10¹² scores the chance that two share an id is 10⁻⁵."""


@dataclass(frozen=True)
class DriverScores:
    """Scores, and what alerts have beside them.

    Plain lists: most batches make a few scores, for which a data frame takes ten times as long.

    Attributes
    ----------
    columns
        A list for each column of ``DriverScore`` (times as ISO 8601 text) and of `ALERT_COLUMNS`, all as long. Rows of
        the kind `SEVERE_EVENT_KIND` are the trip so far: alerts, but no scores of their own.
    """

    columns: dict[str, list[Any]]

    def __len__(self) -> int:
        return len(self.columns["score_id"])

    def are_high_risk_trips(self) -> list[bool | None]:
        """Tell of each row whether it is a trip in the high-risk band; null for windows and rows without a score."""
        kinds, bands = self.columns["kind"], self.columns["band"]
        return [
            None if kind != "trip" or band is None else band == "high" for kind, band in zip(kinds, bands, strict=True)
        ]

    def of_client(self, client_id: str) -> "DriverScores":
        """Give the scores of one client."""
        chosen = [row for row, found in enumerate(self.columns["client_id"]) if found == client_id]
        return DriverScores({name: [column[row] for row in chosen] for name, column in self.columns.items()})

    def rows(self, names: Sequence[str], chosen: Iterable[int]) -> Iterator[dict[str, Any]]:
        """Yield the chosen rows, by their numbers, with these columns in this order."""
        columns = [self.columns[name] for name in names]
        return (dict(zip(names, [column[row] for column in columns], strict=True)) for row in chosen)


@dataclass(frozen=True)
class ServedModel:
    """A model that scores live trips, and in which role."""

    scorer: Scorer
    role: ModelRole


class ScoreMaker:
    """Makes Driver Scores of emitted features.

    Parameters
    ----------
    threshold_profile
        Identity of the thresholds behind the features.
    trip_exposure, window_exposure
        The least driving for a score of a trip and of a window.
    """

    def __init__(
        self, *, threshold_profile: str, trip_exposure: ExposureLimits, window_exposure: ExposureLimits
    ) -> None:
        self._threshold_profile = threshold_profile
        self._trip_exposure = trip_exposure
        self._window_exposure = window_exposure

    def make(self, emitted: Sequence[EmittedFeatures], model: ServedModel, *, scored_at_ms: int) -> DriverScores:
        """Score windows and trips.

        Parameters
        ----------
        emitted
            Windows and trips to score, at least one.
        model
            The model, and the role that it scores in.
        scored_at_ms
            The clock, epoch milliseconds.

        Returns
        -------
        DriverScores
            A row for each emitted row, in the same order.
        """
        rows = np.concatenate([part.rows for part in emitted])
        rows["revision"] += np.repeat([part.first_revision for part in emitted], [len(part) for part in emitted])
        features = np.concatenate([part.features for part in emitted])
        columns: dict[str, list[Any]] = {
            **_id_columns(emitted),
            **_feature_columns(features),
            **self._score_columns(features, rows["kind"] != RowKind.WINDOW, model.scorer),
            "revision": rows["revision"].tolist(),
            "event_count": rows["event_count"].tolist(),
            "late_event_count": rows["late_event_count"].tolist(),
            "kind": _names(rows["kind"], _KINDS),
            "final": (rows["final"] == 1).tolist(),
            "window_start": _iso(rows["window_start_ms"]),
            "window_end": _iso(rows["window_end_ms"]),
            "event_time": _iso(rows["event_time_ms"]),
            "latitude": rows["latitude"].tolist(),
            "longitude": rows["longitude"].tolist(),
            "event_type": _names(rows["event_type"], EVENT_TYPES),
            "peak_mps2": rows["peak_mps2"].tolist(),
        }
        same = {
            "scored_at": _iso(np.array([scored_at_ms]))[0],
            "model_name": model.scorer.name,
            "model_version": model.scorer.version,
            "model_role": model.role,
            "threshold_profile": self._threshold_profile,
        }
        columns |= {name: [value] * len(rows) for name, value in same.items()}
        columns["score_id"] = self._score_ids(columns, rows, model.scorer)
        return DriverScores(columns)

    def _score_columns(
        self, features: NDArray[np.float64], is_trip: NDArray[np.bool_], scorer: Scorer
    ) -> dict[str, list[Any]]:
        limits = ExposureLimits.of_rows(is_trip, self._trip_exposure, self._window_exposure)
        batch = scorer.score(features, limits)
        impacts = _nullable(batch.reason_impacts.round(_SCORE_DIGITS))
        columns = {
            "status": ["scored" if scored else "insufficient_exposure" for scored in batch.scored.tolist()],
            "risk": _nullable(batch.risk).tolist(),
            "score": _nullable(batch.score.round(_SCORE_DIGITS)).tolist(),
            "band": _names(batch.band, BANDS),
        }
        for place in range(batch.reason_codes.shape[1]):
            columns[f"reason_{place + 1}"] = _names(batch.reason_codes[:, place], REASON_CODES)
            columns[f"reason_{place + 1}_impact"] = impacts[:, place].tolist()
        return columns

    def _score_ids(self, columns: dict[str, list[Any]], rows: NDArray[np.void], scorer: Scorer) -> list[str]:
        """Hash what each score is of: the trip, the part of it, and how much of it was known.

        A score made again after a crash has the same id and the same content.
        """
        made_with = f"|{scorer.name}|{scorer.version}|{self._threshold_profile}"
        numbers = ("window_start_ms", "window_end_ms", "revision", "final", "event_count", "late_event_count")
        parts = zip(
            *(columns[name] for name in ("vehicle_id", "trip_id", "kind")),
            *(rows[name].tolist() for name in numbers),
            strict=True,
        )
        digest = partial(hashlib.blake2b, digest_size=_ID_BYTES)
        return [digest(("|".join(map(str, part)) + made_with).encode()).hexdigest() for part in parts]


def _iso(epoch_ms: NDArray[np.int64]) -> list[str]:
    return [f"{text}Z" for text in np.datetime_as_string(epoch_ms.astype("datetime64[ms]"), unit="ms").tolist()]


def _names(codes: NDArray[np.int8], names: Sequence[str]) -> list[str | None]:
    """Name codes; -1 is none."""
    with_none = (*names, None)
    return [with_none[code] for code in codes.tolist()]


def _nullable(numbers: NDArray[np.float64]) -> NDArray[np.object_]:
    """Give numbers as objects, with None for NaN: unknown."""
    objects = numbers.astype(object)
    objects[np.isnan(numbers)] = None
    return objects


def _id_columns(emitted: Sequence[EmittedFeatures]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [] for name in ID_COLUMNS}
    classes = []
    for part in emitted:
        ids = zip(*part.ids(), strict=True)
        for column, texts in zip(columns.values(), ids, strict=False):  # no rows have no columns
            column.extend(texts)
        classes += _names(part.vehicle_classes, VEHICLE_CLASSES)
    columns["vehicle_class"] = classes
    return columns


def _feature_columns(features: NDArray[np.float64]) -> dict[str, list[Any]]:
    columns = dict(zip(FEATURE_NAMES, _nullable(features).T.tolist(), strict=True))
    for name in COUNT_FEATURES:
        columns[name] = [None if count is None else int(count) for count in columns[name]]
    return columns
