"""What fails in the coordination of the consumer group ends the worker, or is told and tried again."""

import asyncio

import pytest
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from structlog.testing import capture_logs

from stream_app.faust_bridge import group_watch
from stream_app.faust_bridge.group_watch import denied_right, watch_group
from stream_app.kafka import AuthorizationError, GroupJoinError


class Consumer:
    """Tells errors, one each time; then none, or that coordination has ended."""

    def __init__(self, *errors: Exception | None, has_ended: bool = False) -> None:
        self.errors = list(errors)
        self._has_ended = has_ended

    async def coordination_error(self) -> tuple[Exception | None, bool]:
        return (self.errors.pop(0) if self.errors else None), self._has_ended


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_watch, "_WATCH_S", 0)


def wrapped(cause: Exception) -> Exception:
    error: Exception = KafkaError("Unexpected error during coordination")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "right"),
    [
        (GroupAuthorizationFailedError("any"), "READ on group scores"),
        (TopicAuthorizationFailedError("trip-events"), "READ on topic trip-events"),
        (TopicAuthorizationFailedError({"b", "a"}), "READ on topic a, b"),
        (wrapped(GroupAuthorizationFailedError("any")), "READ on group scores"),
    ],
)
async def test_a_denied_right_is_named(error: Exception, right: str) -> None:
    with pytest.raises(AuthorizationError, match=right):
        await watch_group(Consumer(None, error), "scores", asyncio.Event(), 60)


async def test_the_end_of_coordination_is_raised() -> None:
    with pytest.raises(KafkaError, match="broken"):
        await watch_group(Consumer(KafkaError("broken"), has_ended=True), "scores", asyncio.Event(), 60)


async def test_another_error_is_told_and_tried_again_until_the_limit() -> None:
    with capture_logs() as logs, pytest.raises(GroupJoinError, match=r"within 0\.05 s: .*not yet"):
        await watch_group(Consumer(KafkaError("not yet")), "scores", asyncio.Event(), 0.05)
    assert [log["log_level"] for log in logs] == ["warning"]


async def test_a_member_is_watched_without_a_limit() -> None:
    joined = asyncio.Event()
    joined.set()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watch_group(Consumer(), "scores", joined, 0), 0.1)


def test_other_errors_are_no_denied_right() -> None:
    assert denied_right(KafkaError("other"), "scores") is None
