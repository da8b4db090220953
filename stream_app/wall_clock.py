"""The wall clock, read here and nowhere else, so that tests can replace it."""

import time


def now_ms() -> int:
    """Give the time, epoch milliseconds."""
    return time.time_ns() // 1_000_000
