"""Events into emitted features into scores: what the stream, an API, files and batch jobs all call."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from schemas.settings import Settings
from scoring.driver_scores import DriverScores, ScoreMaker, ServedModel
from scoring.events import EventColumns
from scoring.features import (
    EmittedFeatures,
    KernelParameters,
    LateTrip,
    TripStates,
    close_trips,
    correct_trip,
    kernel_parameters,
    update,
)
from scoring.model import ExposureLimits, Scorer


class ScoringEngine:
    """Scores trips as their events arrive.

    Parameters
    ----------
    parameters
        Thresholds and window settings.
    score_maker
        Makes scores of features.
    champion
        The model whose scores count.
    """

    def __init__(self, parameters: KernelParameters, score_maker: ScoreMaker, champion: ServedModel) -> None:
        self._parameters = parameters
        self._score_maker = score_maker
        self._champion = champion

    @classmethod
    def of(cls, settings: Settings, scorer: Scorer) -> "ScoringEngine":
        """Make the engine that settings describe, with a champion."""
        exposure = settings.exposure
        score_maker = ScoreMaker(
            threshold_profile=settings.thresholds.identity,
            trip_exposure=ExposureLimits.of_trips(exposure),
            window_exposure=ExposureLimits.of_windows(exposure),
        )
        parameters = kernel_parameters(settings.thresholds, settings.windows, settings.severe_events)
        return cls(parameters, score_maker, ServedModel(scorer, "champion"))

    def process(self, batches: Iterable[tuple[TripStates, EventColumns]], *, scored_at_ms: int) -> DriverScores | None:
        """Update trip states with events, and score what they emit, in one call of the model.

        Parameters
        ----------
        batches
            Events, each with the states of their partition; a partition may occur more than once.
        scored_at_ms
            The clock, epoch milliseconds.

        Returns
        -------
        DriverScores or None
            None where nothing was emitted.
        """
        emitted = [(states, update(states, events, self._parameters)) for states, events in batches]
        return self.score(emitted, scored_at_ms=scored_at_ms)

    def close(
        self, states: TripStates, slots: NDArray[np.int64] | None = None, *, scored_at_ms: int
    ) -> DriverScores | None:
        """Score open trips as final, though their end was not seen: all of them, or those in some slots."""
        return self.score([(states, close_trips(states, self._parameters, slots))], scored_at_ms=scored_at_ms)

    def correct(
        self, states: TripStates, late: Iterable[tuple[LateTrip, EventColumns]], *, scored_at_ms: int
    ) -> DriverScores | None:
        """Score trips of which events came late again, each with all of its events in the order of arrival.

        Parameters
        ----------
        states
            Of their partition.
        late
            The trips.
        scored_at_ms
            The clock, epoch milliseconds.

        Returns
        -------
        DriverScores or None
            Final scores of all windows and of the trips; None where no trip has events.
        """
        first_revision = states.first_revision
        corrected = [
            correct_trip(trip, events, self._parameters, first_revision=first_revision)
            for trip, events in late
            if len(events) > 0
        ]
        kept = [states.find(each.key, each.part) for each in corrected]
        for each, slot in zip(corrected, kept, strict=True):
            if slot is not None:
                each.states.arrays.heads["high_risk"] = states.arrays.heads["high_risk"][slot]
        scores = self.score([(each.states, each.emitted) for each in corrected], scored_at_ms=scored_at_ms)
        for each, slot in zip(corrected, kept, strict=True):
            if slot is not None:
                states.arrays.heads["high_risk"][slot] = each.states.arrays.heads["high_risk"][each.slot]
                states.mark_changed(np.array([slot]))
        return scores

    def score(self, emitted: Iterable[tuple[TripStates, EmittedFeatures]], *, scored_at_ms: int) -> DriverScores | None:
        """Score emitted rows, each with the states that emitted them: every row once, in the order of emission.

        A trip that enters the high-risk band with a score raises an alert: ``alerting`` says so of each row.
        """
        emitted = [(states, rows) for states, rows in emitted if len(rows) > 0]
        if not emitted:
            return None
        scores = self._score_maker.make([rows for _, rows in emitted], self._champion, scored_at_ms=scored_at_ms)
        is_high_risk = scores.are_high_risk_trips()
        entered: list[bool] = []
        for states, rows in emitted:
            count = len(entered)
            entered += states.enter_high_risk(
                rows.rows["slot"], rows.is_first_score, is_high_risk[count : count + len(rows)]
            )
        return DriverScores({**scores.columns, "alerting": entered})
