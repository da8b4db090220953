"""Events into emitted features into scores: what the stream, an API, files and batch jobs all call."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from scoring.driver_scores import DriverScores, ScoreMaker, ServedModel
from scoring.events import EventColumns
from scoring.features import EmittedFeatures, KernelParameters, TripStates, close_trips, update


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
