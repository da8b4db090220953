"""Whether what was published is what had to be, all of it and nothing else."""

import json
import math
from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from schemas.features import FEATURE_NAMES
from schemas.settings import ExposureSettings
from scoring.model import BANDS, ExposureLimits, Scorer
from tests.chaos.known_stream import KnownStream
from tests.support.checks.feature_equality import TOLERANCE, unlike
from tests.support.servers.running_worker import Topics, contents_by_id, last_finals

EXAMPLES: Final = 5
"""Of each kind of error that the report shows."""

_SCORE_STEP: Final = 0.005
"""Scores are published to a hundredth."""

_DISTANCE_KM: Final = 0.002


@dataclass
class Verdict:
    """What was found.

    Attributes
    ----------
    counts
        Of what was published.
    errors
        What is wrong: a line each, by kind.
    """

    counts: dict[str, int] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)

    def check(self, kind: str, wrong: list[str]) -> None:
        """Note what is wrong of a kind; nothing, too, so that the report says what was looked at."""
        self.errors[kind] = wrong

    @property
    def passed(self) -> bool:
        return not any(self.errors.values())


def judge(stream: KnownStream, topics: Topics, models: list[Path], created_at_s: Sequence[float]) -> Verdict:
    """Compare everything on the output topics with the batch computation.

    Parameters
    ----------
    stream
        What was sent.
    topics
        Reads what was published.
    models
        Folders of the models that were used.
    created_at_s
        When each topic of trip events was created, by the wall clock: offsets in dead letters are those of one of them.
    """
    verdict = Verdict()
    rows = {
        topic: [json.loads(message.value() or b"") for message in topics.everything(topic)]
        for topic in ("driver-scores", "trip-alerts", "trip-features", "driver-profiles")
    }
    scores = rows["driver-scores"]
    finals = last_finals(scores)
    _check_trips(verdict, stream, finals)
    _check_scores(verdict, stream, finals, [Scorer.load(model) for model in models])
    for topic, id_name in (("driver-scores", "score_id"), ("trip-alerts", "alert_id"), ("trip-features", "score_id")):
        verdict.check(f"different contents of one {id_name} on {topic}", _conflicts(rows[topic], id_name))
        verdict.counts[f"messages on {topic}"] = len(rows[topic])
        verdict.counts[f"repeats on {topic}"] = len(rows[topic]) - len({row[id_name] for row in rows[topic]})
    verdict.check("final scores changed without a higher revision", _unrevised(scores))
    verdict.check("final scores missing on driver-scores or trip-features", _unlogged(scores, rows["trip-features"]))
    _check_profiles(verdict, finals, rows["driver-profiles"])
    _check_dead_letters(verdict, stream, topics, created_at_s)
    return verdict


def unfinished_trips(stream: KnownStream, finals: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], str]:
    """Find the trips that have no final score of all their events, by vehicle and trip; say what they have."""
    unfinished = {}
    for trip_id, vehicle_id, expected in stream.expected.select("trip_id", "vehicle_id", "event_count").iter_rows():
        for ids in _ids_of_copies(trip_id, vehicle_id, stream.copies):
            found = finals[ids]["event_count"] if ids in finals else 0
            if found != expected:
                unfinished[ids] = f"{found} of {expected} events"
    return unfinished


def unfinished_originals(stream: KnownStream, finals: dict[tuple[str, str], dict[str, Any]]) -> list[tuple[str, str]]:
    """Find the trips of the first copy of which any copy is unfinished, by vehicle and trip."""
    unfinished = unfinished_trips(stream, finals)
    originals = stream.expected.select("trip_id", "vehicle_id").iter_rows()
    return [
        (vehicle_id, trip_id)
        for trip_id, vehicle_id in originals
        if any(ids in unfinished for ids in _ids_of_copies(trip_id, vehicle_id, stream.copies))
    ]


def _ids_of_copies(trip_id: str, vehicle_id: str, copies: int) -> list[tuple[str, str]]:
    suffixes = ["", *(f".{number}" for number in range(2, copies + 1))]
    return [(vehicle_id + suffix, trip_id + suffix) for suffix in suffixes]


def _check_trips(verdict: Verdict, stream: KnownStream, finals: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Check that each trip has a final score with all its events, and the features of the batch."""
    unfinished = unfinished_trips(stream, finals)
    unequal, rounded = [], 0
    for row in stream.expected.iter_rows(named=True):
        for ids in _ids_of_copies(row["trip_id"], row["vehicle_id"], stream.copies):
            if ids in unfinished:
                continue
            final = finals[ids]
            unequal += [f"{ids} {name}: {streamed!r}, not {batch!r}" for name, streamed, batch in unlike(final, row)]
            rounded += sum(1 for _ in unlike(final, row, tolerance=0.0))
    verdict.check(
        "trips without a final score of all their events", [f"{ids}: {found}" for ids, found in unfinished.items()]
    )
    verdict.check("features different from the batch computation", unequal)
    verdict.counts["trips"] = stream.trips
    verdict.counts["features compared"] = stream.trips * len(FEATURE_NAMES)
    verdict.counts["of them not bit-identical"] = rounded


def _check_scores(
    verdict: Verdict, stream: KnownStream, finals: dict[tuple[str, str], dict[str, Any]], scorers: list[Scorer]
) -> None:
    """Check each final score against the model that it names."""
    features = stream.expected.select(FEATURE_NAMES).to_numpy()
    batches = {
        scorer.version: scorer.score(np.asarray(features, float), ExposureLimits.of_trips(ExposureSettings()))
        for scorer in scorers
    }
    wrong, by_version = [], Counter[str]()
    for place, row in enumerate(stream.expected.iter_rows(named=True)):
        for ids in _ids_of_copies(row["trip_id"], row["vehicle_id"], stream.copies):
            final = finals.get(ids)
            if final is None:
                continue
            batch = batches[final["model_version"]]
            by_version[final["model_version"]] += 1
            expected = (
                (None, None, None)
                if not batch.scored[place]
                else (float(batch.risk[place]), float(batch.score[place]), BANDS[batch.band[place]])
            )
            found = final["risk"], final["score"], final["band"]
            if not _same_score(found, expected):
                wrong.append(f"{ids}: {found}, not {expected}")
    verdict.check("scores different from the batch computation", wrong)
    verdict.counts |= {f"final scores by model {version}": count for version, count in sorted(by_version.items())}


def _same_score(found: tuple[Any, Any, Any], expected: tuple[Any, Any, Any]) -> bool:
    if None in found or None in expected:
        return found == expected
    return (
        math.isclose(found[0], expected[0], rel_tol=TOLERANCE, abs_tol=0.0)
        and abs(found[1] - expected[1]) <= _SCORE_STEP * (1 + TOLERANCE)
        and found[2] == expected[2]
    )


def _conflicts(rows: list[dict[str, Any]], id_name: str) -> list[str]:
    contents = contents_by_id(rows, id_name)
    return [f"{one}: {' and '.join(sorted(found))}" for one, found in contents.items() if len(found) > 1]


def _unrevised(scores: list[dict[str, Any]]) -> list[str]:
    """Find trips and windows that have two scores of one revision by one model."""
    ids: dict[tuple[Any, ...], str] = {}
    wrong = []
    for score in scores:
        start = score["window_start"] if score["kind"] == "window" else ""
        of = (score["vehicle_id"], score["trip_id"], start, score["revision"], score["model_version"])
        if ids.setdefault(of, score["score_id"]) != score["score_id"]:
            wrong.append(f"{of}: {ids[of]} and {score['score_id']}")
    return wrong


def _unlogged(scores: list[dict[str, Any]], log: list[dict[str, Any]]) -> list[str]:
    """Find final scores that are not on the feature log, and rows there of no score.

    A crash can leave one without the other; both are made again, by another model if it was swapped meanwhile. So one
    of each trip's revisions must be on both.
    """
    by_topic = [
        {score["score_id"]: (score["vehicle_id"], score["trip_id"], score["revision"]) for score in rows}
        for rows in ([score for score in scores if score["kind"] == "trip" and score["final"]], log)
    ]
    on_both = {by_topic[0][score_id] for score_id in by_topic[0].keys() & by_topic[1].keys()}
    return sorted(f"{of} {score_id}" for ids in by_topic for score_id, of in ids.items() if of not in on_both)


def _check_profiles(
    verdict: Verdict, finals: dict[tuple[str, str], dict[str, Any]], profiles: list[dict[str, Any]]
) -> None:
    """Check that each driver's newest profile has counted each of the driver's scored trips once."""
    expected: dict[str, tuple[int, float]] = {}
    for final in finals.values():
        trips, distance_km = expected.get(final["driver_id"], (0, 0.0))
        if final["score"] is not None:
            expected[final["driver_id"]] = trips + 1, distance_km + final["distance_km"]
    # By time, not as they were read: a driver may have moved to another partition
    by_time = sorted(profiles, key=lambda profile: str(profile["updated_at"]))
    newest = {profile["driver_id"]: profile for profile in by_time}
    wrong = []
    for driver_id, (trips, distance_km) in expected.items():
        profile = newest.get(driver_id, {"trip_count": 0, "distance_km": 0.0})
        if profile["trip_count"] != trips or abs(profile["distance_km"] - distance_km) > _DISTANCE_KM:
            found = f"{profile['trip_count']} trips of {profile['distance_km']} km"
            wrong.append(f"{driver_id}: {found}, not {trips} of {distance_km}")
    verdict.check("driver profiles different from their trips", wrong)
    verdict.counts["drivers"] = len(expected)


def _check_dead_letters(verdict: Verdict, stream: KnownStream, topics: Topics, created_at_s: Sequence[float]) -> None:
    """Check that each garbage message was rejected; whatever the source, nothing of it was left when it was deleted."""
    letters = topics.everything("trip-events-dlq")
    by_source: dict[tuple[int, bytes, bytes], bytes] = {}
    for letter in letters:
        headers = dict(letter.headers() or [])
        source = bisect(created_at_s, letter.timestamp()[1] / 1000)
        by_source[source, headers["source-partition"], headers["source-offset"]] = letter.value() or b""
    found, sent = Counter(by_source.values()), Counter(stream.garbage)
    wrong = [
        f"{content!r}: {found[content]} of {sent[content]}"
        for content in found | sent
        if found[content] != sent[content]
    ]
    verdict.check("dead letters missing or surplus", wrong)
    verdict.counts["garbage messages"] = len(stream.garbage)
    verdict.counts["dead letters, repeats included"] = len(letters)
