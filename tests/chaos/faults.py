"""What goes wrong: a fault a time, drawn by chance, each with what it did in a line."""

import random
from collections.abc import Callable
from typing import Final, NamedTuple

from tests.chaos import log_faults, process_faults
from tests.chaos.scene import Scene


class Fault(NamedTuple):
    """A kind of fault.

    Attributes
    ----------
    weight
        How often it is drawn, compared with others.
    make
        Makes it and says what it did; null where it can't be made now.
    """

    weight: int
    make: Callable[[Scene], str | None]


FAULTS: Final[dict[str, Fault]] = {
    "kill a worker": Fault(5, process_faults.kill_a_worker),
    "pause a worker": Fault(4, process_faults.pause_a_worker),
    "stop a worker": Fault(2, process_faults.stop_a_worker),
    "add a worker": Fault(2, process_faults.add_a_worker),
    "remove a worker": Fault(2, process_faults.remove_a_worker),
    "restart a broker": Fault(2, process_faults.restart_a_broker),
    "kill a broker": Fault(1, process_faults.kill_a_broker),
    "swap the model": Fault(2, process_faults.swap_the_model),
    "recreate the topic while workers are stopped": Fault(1, log_faults.recreate_the_topic_while_workers_are_stopped),
    "recreate the topic under workers": Fault(1, log_faults.recreate_the_topic_under_workers),
    "recreate the topic under workers that go on": Fault(1, log_faults.recreate_the_topic_under_workers_that_go_on),
    "grow partitions": Fault(1, log_faults.grow_partitions),
    "raise partitions under workers": Fault(1, log_faults.raise_partitions_under_workers),
    "reset offsets to the beginning": Fault(1, log_faults.reset_offsets_to_the_beginning),
    "set offsets beyond the end": Fault(1, log_faults.set_offsets_beyond_the_end),
}
"""All kinds, by name."""


def draw_kinds(draw: random.Random, count: int) -> list[str]:
    """Draw the kinds of so many faults in their order: each kind once, where there are enough, the rest by weight."""
    once = list(FAULTS) if count >= len(FAULTS) else []
    kinds = once + [draw_kind(draw) for _ in range(count - len(once))]
    draw.shuffle(kinds)
    return kinds


def draw_kind(draw: random.Random) -> str:
    """Draw one by weight."""
    [kind] = draw.choices(list(FAULTS), [fault.weight for fault in FAULTS.values()])
    return kind
