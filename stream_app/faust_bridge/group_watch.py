"""Whether the worker becomes, and stays, a member of its consumer group.

aiokafka keeps what fails in the coordination of a group until somebody fetches records, and does nothing meanwhile.
Faust fetches none before partitions are assigned. So a denied right would be told to nobody, and the worker would wait
forever.
"""

import asyncio
from typing import Protocol

import structlog
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)

from stream_app.kafka.errors import AuthorizationError, GroupJoinError

log = structlog.get_logger(__name__)

_WATCH_S = 1.0
"""An error is told within a second; aiokafka tries again when it was."""

_NO_ANSWER = "brokers have not assigned partitions, or have not said that there are none left"


class Coordinated(Protocol):
    """What is watched: Faust's consumer with what `BatchConsumer` adds."""

    async def coordination_error(self) -> tuple[Exception | None, bool]:
        """Give the error that coordination waits with, if any, and whether it has ended for good."""


async def watch_group(consumer: Coordinated, group: str, joined: asyncio.Event, join_timeout_s: float) -> None:
    """Watch until an error ends the membership, and raise it.

    Parameters
    ----------
    consumer
        Of the group.
    group
        Its full name.
    joined
        Set once partitions were assigned, or it is known that there are none left.
    join_timeout_s
        Time for that.

    Raises
    ------
    AuthorizationError
        If a right is missing.
    GroupJoinError
        If the worker does not join in time.
    """
    deadline_s = asyncio.get_running_loop().time() + join_timeout_s
    last_problem = _NO_ANSWER
    while True:
        error, has_ended = await consumer.coordination_error()
        if error is not None:
            denied = denied_right(error, group)
            if denied is not None or has_ended:
                raise (denied or error) from error
            last_problem = str(error)
            log.warning("coordination of the group failed; it is tried again", group=group, reason=last_problem)
        if not joined.is_set() and asyncio.get_running_loop().time() > deadline_s:
            raise GroupJoinError(group, join_timeout_s, last_problem)
        await asyncio.sleep(_WATCH_S)


def denied_right(error: BaseException | None, group: str) -> AuthorizationError | None:
    """Return the missing right behind an error of aiokafka or of what it caused; null for another error."""
    while error is not None:
        names = error.args[0] if error.args else ""
        name = names if isinstance(names, str) else ", ".join(sorted(map(str, names)))
        match error:
            case GroupAuthorizationFailedError():
                return AuthorizationError("READ", "group", group)
            case TopicAuthorizationFailedError():
                return AuthorizationError("READ", "topic", name)
            case ClusterAuthorizationFailedError():
                return AuthorizationError("CLUSTER_ACTION", "cluster", "")
        error = error.__cause__ or error.__context__
    return None
