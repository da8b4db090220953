"""Replay of recorded trips to ``trip-events``.

``send_plan`` orders events by the time at which they are sent, ``disturbances`` adds duplicates, disorder and garbage,
``messages`` and ``raw_lines`` encode, ``pacing`` and ``sending`` deliver the messages to Kafka.
"""

from driver_score.replay.disturbances import Disturbance, disturb
from driver_score.replay.messages import MessageSlice, event_messages
from driver_score.replay.raw_lines import line_messages
from driver_score.replay.send_plan import append_trip_ends, plan_sending, shift_to_now
from driver_score.replay.sending import ReplaySummary, replay

__all__ = [
    "Disturbance",
    "MessageSlice",
    "ReplaySummary",
    "append_trip_ends",
    "disturb",
    "event_messages",
    "line_messages",
    "plan_sending",
    "replay",
    "shift_to_now",
]
