"""What the agent of profiles does with trip results: counts the readable ones and rejects the others."""

import asyncio
from collections.abc import Sequence
from typing import Any

from schemas.messages.dead_letter import RejectCode
from schemas.messages.driver_profile import DriverProfile
from schemas.messages.trip_result import TripResult
from schemas.settings import ProfileSettings
from stream_app.ingest.rejects import Reject
from stream_app.worker.profile_agent import ProfileAgent
from tests.support.fakes.changelog import Changelog
from tests.support.fakes.fake_bridge import FakeBatchStream, FakeDelivery, batch_of


class Steps:
    """Outputs and checkpoint; they record what reached them."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.profiles: list[DriverProfile] = []
        self.rejects: list[Reject] = []
        self.added: list[FakeDelivery] = []

    def wait_until_queued_at_most(self, count: int, timeout_s: float) -> None:
        assert count > 0
        assert timeout_s > 0

    def publish_profiles(self, profiles: Sequence[tuple[str, str]]) -> None:
        self.profiles += [DriverProfile.model_validate_json(message) for _, message in profiles]

    def publish_rejects(self, rejects: list[Reject], topic: str, partition: int) -> None:
        assert (topic, partition) == ("driver-scores-by-driver", 0)
        self.rejects += rejects

    def add(self, delivery: FakeDelivery) -> None:
        self.added.append(delivery)


def result(number: int, score: float | None) -> bytes:
    made = TripResult(
        trip_id=f"trip_{number}",
        vehicle_id="veh_1",
        driver_id="drv_1",
        client_id="client_1",
        revision=0,
        window_end=f"2026-01-0{number}T08:00:00Z",
        distance_km=30.0,
        duration_s=1800.0,
        score=score,
    )
    return made.model_dump_json().encode()


async def run(steps: Any, delivered: list[FakeDelivery]) -> None:
    settings = ProfileSettings(half_life_days=1e9, min_distance_km=50)
    agent = ProfileAgent(Changelog().owner(1), steps, steps, settings, lambda _score: "low")
    await agent.run(FakeBatchStream(delivered).stream())


async def test_each_result_gives_the_profile_with_it_counted() -> None:
    steps = Steps()
    await run(
        steps, [FakeDelivery(batch_of("driver-scores-by-driver", [result(1, 60), result(2, 80), result(3, None)]))]
    )
    assert [(profile.trip_count, profile.score) for profile in steps.profiles] == [(1, None), (2, 70.0), (2, 70.0)]
    assert len(steps.added) == 1


async def test_a_result_that_can_not_be_read_is_rejected_and_the_others_are_counted() -> None:
    steps = Steps()
    await run(steps, [FakeDelivery(batch_of("driver-scores-by-driver", [result(1, 60), b"{}", result(2, 80)]))])
    assert [profile.trip_count for profile in steps.profiles] == [1, 2]
    assert [(reject.code, reject.record.offset) for reject in steps.rejects] == [(RejectCode.INVALID_TRIP_RESULT, 1)]
    assert len(steps.added) == 1


async def test_results_of_an_earlier_assignment_epoch_are_left_to_the_next_owner() -> None:
    steps = Steps()
    old = FakeDelivery(batch_of("driver-scores-by-driver", [result(1, 60)]), is_current=False)
    new = FakeDelivery(batch_of("driver-scores-by-driver", [result(2, 80)]))
    await run(steps, [old, new])
    assert [profile.last_trip_id for profile in steps.profiles] == ["trip_2"]
    assert steps.added == [new]
