"""The rolling score of a driver: the mean of trip scores, weighted by distance, older trips counting less.

A trip of ``d`` km that ended ``t`` days before the newest one weighs ``d * 0.5 ** (t / half_life_days)``. The state is
two sums at the time of the newest trip, so its size is the same after ten trips and after ten thousand.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

from schemas.messages.driver_profile import DriverProfile
from schemas.messages.driver_score import RiskBand
from schemas.messages.trip_result import TripResult

_DAY_MS: Final = 86_400_000

REVISIONS_OF_A_START: Final = 10_000
"""Revisions of trips that are scored again, from stored events, begin at a multiple of this; no trip has as many."""

REMEMBERED_TRIPS: Final = 16
"""Trips that can still be revised: a rescored trip is among a driver's latest, and 16 are two busy days."""


class CountedTrip(BaseModel):
    """What one trip added to a profile, so that a revision can replace it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trip_id: str
    vehicle_id: str
    revision: int
    end_ms: int
    distance_km: float
    duration_s: float
    score: float | None


class ProfileState(BaseModel):
    """Everything that is kept of a driver.

    Attributes
    ----------
    newest_ms
        End of the newest trip: the time that the sums are decayed to.
    weight_km, weighted_score
        Sums of distance, and of distance times score, each decayed.
    trip_count, distance_km, duration_s
        Of all scored trips, not decayed.
    previous_score
        Rolling score before the trip that was counted last.
    recent
        The trips counted last, newest last.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    newest_ms: int = 0
    weight_km: float = 0.0
    weighted_score: float = 0.0
    trip_count: int = 0
    distance_km: float = 0.0
    duration_s: float = 0.0
    previous_score: float | None = None
    recent: tuple[CountedTrip, ...] = ()

    def score(self, min_distance_km: float) -> float | None:
        """Give the rolling score to a hundredth, or None below this distance."""
        if self.trip_count == 0 or self.weight_km <= 0 or self.distance_km < min_distance_km:
            return None
        return round(min(100.0, max(0.0, self.weighted_score / self.weight_km)), 2)


def count_trip(state: ProfileState, trip: TripResult, *, half_life_days: float, min_distance_km: float) -> ProfileState:
    """Count a final trip score.

    A repeated or outdated revision changes nothing; a newer one replaces the one that was counted. A trip that is
    scored again, and older than all that are remembered, changes nothing either: what it has added is not known any
    more.

    Parameters
    ----------
    state
        The driver so far.
    trip
        Final score of a trip; one without a score removes what the trip had added.
    half_life_days
        Days after which a trip counts half.
    min_distance_km
        Least distance for a score.
    """
    counted = CountedTrip(
        trip_id=trip.trip_id,
        vehicle_id=trip.vehicle_id,
        revision=trip.revision,
        end_ms=round(trip.window_end.timestamp() * 1000),
        distance_km=trip.distance_km or 0.0,
        duration_s=trip.duration_s or 0.0,
        score=trip.score,
    )
    earlier = next(
        (one for one in state.recent if (one.trip_id, one.vehicle_id) == (trip.trip_id, trip.vehicle_id)), None
    )
    if earlier is not None and earlier.revision >= counted.revision:
        return state
    if earlier is None and _was_forgotten(state, counted):
        return state
    newest_ms = max(state.newest_ms, counted.end_ms)
    decay = _decay(newest_ms - state.newest_ms, half_life_days) if state.newest_ms else 1.0
    changed = state.model_copy(
        update={
            "newest_ms": newest_ms,
            "weight_km": state.weight_km * decay,
            "weighted_score": state.weighted_score * decay,
            "previous_score": state.score(min_distance_km),
            "recent": (*(one for one in state.recent if one is not earlier), counted)[-REMEMBERED_TRIPS:],
        }
    )
    if earlier is not None:
        changed = _add(changed, earlier, half_life_days, sign=-1)
    return _add(changed, counted, half_life_days, sign=1)


def _was_forgotten(state: ProfileState, trip: CountedTrip) -> bool:
    is_scored_again = trip.revision >= REVISIONS_OF_A_START
    return (
        is_scored_again
        and len(state.recent) == REMEMBERED_TRIPS
        and trip.end_ms < min(recent.end_ms for recent in state.recent)
    )


def _decay(age_ms: int, half_life_days: float) -> float:
    return float(0.5 ** (age_ms / _DAY_MS / half_life_days))


def _add(state: ProfileState, trip: CountedTrip, half_life_days: float, *, sign: int) -> ProfileState:
    if trip.score is None:
        return state
    weight_km = sign * trip.distance_km * _decay(state.newest_ms - trip.end_ms, half_life_days)
    return state.model_copy(
        update={
            "weight_km": state.weight_km + weight_km,
            "weighted_score": state.weighted_score + weight_km * trip.score,
            "trip_count": state.trip_count + sign,
            "distance_km": state.distance_km + sign * trip.distance_km,
            "duration_s": state.duration_s + sign * trip.duration_s,
        }
    )


def profile_message(
    state: ProfileState,
    trip: TripResult,
    *,
    half_life_days: float,
    min_distance_km: float,
    band_of: Callable[[float], RiskBand],
    updated_at: datetime,
) -> DriverProfile:
    """Make the message of a driver.

    Parameters
    ----------
    state
        The driver, with the trip counted.
    trip
        The trip that the message is sent for.
    half_life_days, min_distance_km
        As for `count_trip`.
    band_of
        Gives the risk band of a score.
    updated_at
        The clock.
    """
    score = state.score(min_distance_km)
    return DriverProfile(
        driver_id=trip.driver_id,
        client_id=trip.client_id,
        status="insufficient_exposure" if score is None else "scored",
        score=score,
        band=None if score is None else band_of(score),
        previous_score=state.previous_score,
        trip_count=state.trip_count,
        distance_km=round(max(state.distance_km, 0.0), 3),
        duration_s=round(max(state.duration_s, 0.0), 1),
        effective_distance_km=round(max(state.weight_km, 0.0), 3),
        half_life_days=half_life_days,
        last_trip_id=state.recent[-1].trip_id,
        model_version=trip.model_version,
        event_time=datetime.fromtimestamp(state.newest_ms / 1000, UTC),
        updated_at=updated_at,
    )
