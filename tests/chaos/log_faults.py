"""The log itself changes under offsets and states; then the way of docs/operations.md is followed.

What is expected of each trip stays exact, as nothing is left to chance in one respect: a change comes when everything
that was sent is committed, while the sender holds. States begun without the former ones would score the trips that are
under way from the events that are left. So who deletes the topic also makes its log again, as far as it is needed: the
sender sends all events again of each trip that is not complete, or of which something is still to be sent. Who sets
offsets has the whole log read again. Then each trip has, under the highest revision, all its events in any case.
"""

import time
from collections.abc import Callable
from typing import Final

from tests.chaos.scene import Scene
from tests.support.servers.brokers import wait_until

RECREATED: Final = "the topic was deleted and created anew"
OFFSET_SET: Final = "was not set by a worker"
BEYOND_END: Final = "is beyond the end of the log"
MORE_PARTITIONS: Final = "partitions now"
GOES_ON: Final = "begun without states"

MAX_PARTITIONS: Final = 16

_MISSING_S: Final = (0.0, 8.0)
"""How long there is no topic."""


def recreate_the_topic_while_workers_are_stopped(scene: Scene) -> str:
    """Workers refuse to start, until one has begun without states."""
    scene.settle()
    scene.stop_workers()
    done = _recreate(scene)
    _expect_refusals(scene, RECREATED)
    scene.begin_without_states()
    scene.sender.resume()
    return done


def recreate_the_topic_under_workers(scene: Scene) -> str:
    """Workers stop, until one has begun without states."""
    scene.settle()
    done = _recreate(scene)
    scene.pool.expect_stops(RECREATED)
    scene.wait_until_left()
    scene.begin_without_states()
    scene.sender.resume()
    return done


def recreate_the_topic_under_workers_that_go_on(scene: Scene) -> str:
    """Workers whose settings say so begin without states, and go on."""
    scene.settle()
    scene.stop_workers()
    scene.pool.start_missing(worker__changed_log="fresh_states")
    scene.pool.wait_until_ready()
    workers = list(scene.pool.workers)
    done = _recreate(scene)
    wait_until(scene.topic.has_states, "states of the new topic are begun")
    scene.wait_until_committed()
    lines = sum(worker.log.count(GOES_ON) for worker in workers)
    assert lines >= scene.topic.partitions, f"{lines} partitions were begun without states"
    scene.stop_workers()
    scene.sender.resume()
    return f"{done}, {lines} times {GOES_ON}"


def grow_partitions(scene: Scene) -> str | None:
    """``driver-score topics grow`` doubles the partitions of all topics."""
    if 2 * scene.topic.partitions > MAX_PARTITIONS:
        return None
    scene.settle()
    scene.stop_workers()
    done = _grow(scene)
    scene.sender.resume()
    return done


def raise_partitions_under_workers(scene: Scene) -> str | None:
    """Somebody raises the partitions of one topic: workers stop, until states have moved."""
    if 2 * scene.topic.partitions > MAX_PARTITIONS:
        return None
    scene.settle()
    scene.topic.raise_partitions(2 * scene.topic.partitions)
    scene.pool.expect_stops(MORE_PARTITIONS)
    scene.wait_until_left()
    done = _grow(scene)
    scene.sender.resume()
    return done


def reset_offsets_to_the_beginning(scene: Scene) -> str | None:
    """Workers refuse to start, until the log is read again."""
    return _change_offsets(scene, scene.topic.reset_offsets, OFFSET_SET)


def set_offsets_beyond_the_end(scene: Scene) -> str | None:
    """Workers refuse to start, until the log is read again."""
    beyond = scene.stream.messages  # so that they stay beyond, whatever is sent
    return _change_offsets(scene, lambda: scene.topic.set_offsets_beyond_end(beyond), BEYOND_END)


def _recreate(scene: Scene) -> str:
    """Delete the topic, create it some seconds later, and send again what must not be missing."""
    again = scene.stream.begun(scene.sender.sent, scene.unfinished())
    missing_s = scene.draw.uniform(*_MISSING_S)
    scene.topic.recreate(missing_s)
    return f"missing for {missing_s:.1f} s, {scene.sender.send_again(again):,} messages sent again"


def _grow(scene: Scene) -> str:
    partitions = 2 * scene.topic.partitions
    printed = scene.command("topics", "grow", str(partitions), decoding__partitioner="crc32")
    scene.topic.has_grown(partitions)
    scene.pool.settings["kafka__partitions"] = partitions
    return _last_line(printed)


def _last_line(printed: str) -> str:
    return printed.rpartition("\n")[2].partition(". ")[0]


def _change_offsets(scene: Scene, change: Callable[[], None], cause: str) -> str | None:
    if scene.topic.is_spread:
        return None
    held_s = scene.settle()
    scene.stop_workers()
    change()
    scene.sender.resume()
    _expect_refusals(scene, cause)
    if scene.draw.random() < 1 / 2:
        scene.begin_without_states()
        return "begun without states"
    since = time.gmtime(scene.draw.uniform(scene.topic.created_at_s[-1], held_s))
    return _last_line(scene.command("reprocess", "--from", time.strftime("%Y-%m-%dT%H:%M:%S", since)))


def _expect_refusals(scene: Scene, cause: str) -> None:
    """Start all workers, and wait until each has refused."""
    scene.pool.start_missing()
    scene.pool.expect_stops(cause)
    scene.wait_until_left()
