"""What a worker does when its partitions are assigned, and when a topic is no longer what it was."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from schemas.settings import ChangedLogPolicy
from schemas.thresholds import ThresholdProfile, WindowSettings
from scoring.features.parameters import kernel_parameters
from stream_app.kafka import BrokerUnavailableError, SourceLog, TopicIdentity
from stream_app.state.log_changes import Lineage, LogChangedError
from stream_app.state.owned_partitions import OwnedPartitions
from stream_app.state.partition_states import StoredStates
from stream_app.telemetry.health import HealthCode, WorkerHealth
from stream_app.worker import source_check as source_check_module
from stream_app.worker.source_check import SourceCheck
from tests.support.fakes.changelog import Changelog

EVENTS, RESULTS = "trip-events", "driver-scores-by-driver"
LOG = SourceLog("id-1", partition_count=2, first_offset=0, end_offset=100, committed=None, metadata="")


class Surroundings:
    """Application and brokers; they record what was asked of them."""

    def __init__(self) -> None:
        self.logs = {(topic, partition): LOG for topic in (EVENTS, RESULTS) for partition in range(2)}
        self.identities = {topic: TopicIdentity("id-1", 2) for topic in (EVENTS, RESULTS)}
        self.unavailable = 0
        self.failures: list[BaseException] = []
        self.rejoined = 0

    def read(self, topics: Collection[str]) -> dict[tuple[str, int], SourceLog]:
        if self.unavailable > 0:
            self.unavailable -= 1
            raise BrokerUnavailableError("127.0.0.1:1")
        return {place: log for place, log in self.logs.items() if place[0] in topics}

    def topics(self, topics: Collection[str]) -> dict[str, TopicIdentity]:
        return {name: identity for name, identity in self.identities.items() if name in topics}

    def fail(self, error: BaseException) -> None:
        self.failures.append(error)

    async def rejoin(self) -> None:
        self.rejoined += 1

    def commit(self, place: tuple[str, int], offset: int, metadata: str) -> None:
        self.logs[place] = replace(self.logs[place], committed=offset, metadata=metadata)


class Worker:
    """A source check with its states, of a generation of the group."""

    def __init__(
        self,
        around: Any,
        changelog: Any,
        generation: int,
        policy: ChangedLogPolicy = "stop",
    ) -> None:
        parameters = kernel_parameters(ThresholdProfile(), WindowSettings())
        stored = StoredStates(parameters, 4)
        self.partitions = OwnedPartitions(changelog.owner(generation, keeps_versions=True), stored)
        self.check = SourceCheck(
            around,
            around,
            self.partitions,
            changelog,
            events_topic=EVENTS,
            policy=policy,
            generation=lambda: generation,
        )


PLACES = [(EVENTS, 0), (EVENTS, 1), (RESULTS, 0)]


async def first_worker(around: Surroundings, changelog: Changelog) -> None:
    """Assign partitions for the first time, commit what the check says, and store states up to offset 49."""
    worker = Worker(around, changelog, 1)
    for place, start in (await worker.check.check(PLACES)).items():
        assert (start.offset, start.is_new) == (0, True)
        around.commit(place, 50, start.metadata)
    for partition in range(2):
        worker.partitions.send_chunks(partition, {0: b"packed"}, 49)


async def test_the_next_owner_goes_on_where_the_last_one_was() -> None:
    around, changelog = Surroundings(), Changelog()
    await first_worker(around, changelog)
    starts = await Worker(around, changelog, 2).check.check(PLACES)
    assert {(start.offset, start.is_new) for start in starts.values()} == {(50, False)}


async def test_a_changed_log_stops_the_worker_or_begins_without_states_as_the_settings_say() -> None:
    around, changelog = Surroundings(), Changelog()
    await first_worker(around, changelog)
    around.logs[EVENTS, 1] = replace(around.logs[EVENTS, 1], topic_id="id-2")
    with pytest.raises(LogChangedError, match="trip-events 1: the topic was deleted and created anew"):
        await Worker(around, changelog, 2).check.check(PLACES)

    worker = Worker(around, changelog, 3, "fresh_states")
    starts = await worker.check.check(PLACES)
    assert {place: (start.offset, start.is_new) for place, start in starts.items()} == {
        (EVENTS, 0): (50, False),
        (EVENTS, 1): (0, True),
        (RESULTS, 0): (50, False),
    }
    again = Lineage.parse(starts[EVENTS, 1].metadata)
    assert again is not None
    assert (again.topic_id, again.began_in) == ("id-2", 3)
    assert again.first_revision > 0
    position = worker.partitions.stored_position(1)
    assert position is not None
    assert (position.is_empty, position.lineage) == (True, again)


async def test_brokers_that_do_not_answer_are_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_check_module, "_RETRY_S", 0.001)
    around = Surroundings()
    around.unavailable = 3
    assert len(await Worker(around, Changelog(), 1).check.check(PLACES)) == len(PLACES)


async def test_brokers_that_never_answer_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_check_module, "_RETRY_S", 0.001)
    monkeypatch.setattr(source_check_module, "CONFIRM_TIMEOUT_S", 0.01)
    around = Surroundings()
    around.unavailable = 10**9
    with pytest.raises(BrokerUnavailableError):
        await Worker(around, Changelog(), 1).check.check(PLACES)


async def watch_until_noticed(around: Surroundings, health: WorkerHealth, changed: TopicIdentity | None) -> None:
    """Check partitions, change the topic of events, and watch until something was done about it."""
    check = Worker(around, Changelog(), 1).check
    await check.check(PLACES)
    del around.identities[EVENTS]
    if changed is not None:
        around.identities[EVENTS] = changed
    watching = asyncio.ensure_future(check.watch([EVENTS, RESULTS], 2, health))
    async with asyncio.timeout(30):
        while not (around.failures or around.rejoined or told(health)):  # noqa: ASYNC110 - of three kinds
            await asyncio.sleep(0.001)
    watching.cancel()


def told(health: WorkerHealth) -> bool:
    return any(reason.code is HealthCode.SOURCE_CHANGED for reason in health.reasons())


@pytest.mark.parametrize(
    ("identity", "done"),
    [
        (TopicIdentity("id-1", 4), "fails"),
        (TopicIdentity("id-2", 2), "rejoins"),
        (None, "is not ready"),
    ],
    ids=["more partitions", "another topic", "no topic"],
)
async def test_a_topic_that_changes_while_it_is_read_is_noticed(
    identity: TopicIdentity | None, done: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_check_module, "_WATCH_S", 0.001)
    around, health = Surroundings(), WorkerHealth(300)
    await watch_until_noticed(around, health, identity)
    assert [type(error).__name__ for error in around.failures[:1]] == (["TopicError"] if done == "fails" else [])
    assert (around.rejoined > 0) == (done == "rejoins")
    assert told(health) == (done == "is not ready")
