"""Results as tables, for the terminal and for ``docs/performance.md``."""

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.druid_latency import DruidLatency
from bench.live import Live
from bench.measuring import Throughput

BAR_EVENTS_PER_S: Final = 150_000
"""What one worker must keep up with."""

DRUID_BAR_P50_S: Final = 0.3
DRUID_BAR_P99_S: Final = 1.0
"""From an event produced to its score queryable in Druid."""

_LIBRARIES: Final = ("faust-streaming", "aiokafka", "confluent-kafka", "polars", "numba", "numpy", "onnxruntime")

_INTRODUCTION: Final = """\
# Performance

Written by `python -m bench --write docs/performance.md` (`make bench` shows the same tables). The numbers are of one
machine at one time; the broker, the sender and the worker share its processors.

**Backlog**: a topic full of single-sample events, and one worker that works it off, the whole job included: decode,
validate, features, score, publish, store states, commit offsets. The clock runs from the first commit after a warm-up
to the last commit before the end, so start-up and the compilation of kernels are left out and everything that makes
an event durable is counted. Checkpoints are written every 2 s, so that there are commits to measure between; the
default of 5 s costs less. *Stock Faust* (`bench/stock_faust.py`) is the same job in Faust as its documentation
shows it, one event at a time, on fewer events; *no table* keeps its states in memory only, durable nowhere.

**Live**: events sent at a steady pace while the worker runs. Lag is the age of the oldest event whose offset is not
committed; with a checkpoint every two seconds, a worker that is never late shows 1 s in the median and 2 s at most.

**Into Druid**: a fleet of 20,000 vehicles sends 20,000 events a second through worker and Kafka into Druid, all on
this machine. Beside it ten trips a second end; the clock of each runs from just before its last event is handed to the
producer until an SQL query to Druid answers with its final score. The first 45 s are not counted: Java compiles then.
"""


@dataclass(frozen=True)
class BacklogRow:
    """One line of the backlog table: who, where, on what, and what came of it."""

    broker: str
    worker: str
    vehicles: int
    throughput: Throughput


@dataclass(frozen=True)
class LiveRow:
    """One line of the live table."""

    broker: str
    vehicles: int
    live: Live


def as_json(backlogs: Sequence[BacklogRow], lives: Sequence[LiveRow], druid: DruidLatency | None) -> dict[str, Any]:
    """Give everything as plain JSON."""
    return {
        "machine": machine(),
        "backlog": [asdict(row) for row in backlogs],
        "live": [asdict(row) for row in lives],
        "druid": None if druid is None else asdict(druid),
    }


def machine() -> dict[str, Any]:
    """Describe where this runs, and how busy it is with other things."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _LIBRARIES},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def as_markdown(
    backlogs: Sequence[BacklogRow], lives: Sequence[LiveRow], druid: DruidLatency | None, load_before: float
) -> str:
    """Give the page of the documentation."""
    described = machine() | {"load_average": f"{load_before:.1f} before the run, {os.getloadavg()[0]:.1f} after it"}
    verdicts = _verdicts(backlogs)
    lines = [_INTRODUCTION, "## Backlog", "", *_backlog_table(backlogs), "", "## Live", "", *_live_table(lives)]
    if druid is not None:
        lines += ["", "## Into Druid", "", *_druid_table(druid)]
        verdicts.append(_druid_verdict(druid))
    lines += ["", "## The bars", "", *(f"- {verdict}" for verdict in verdicts)]
    lines += ["", "## Machine", "", *(f"- {name.replace('_', ' ')}: {fact}" for name, fact in described.items())]
    return "\n".join(lines) + "\n"


def _verdicts(backlogs: Sequence[BacklogRow]) -> list[str]:
    """Say of each backlog of ours whether it was worked off at `BAR_EVENTS_PER_S`."""
    rates = [
        (f"{row.broker}, {row.vehicles:,} vehicles", row.throughput.events_per_s)
        for row in backlogs
        if row.worker == "driver-score"
    ]
    return [
        f"{run}: {rate:,.0f} events/s, {'met' if rate >= BAR_EVENTS_PER_S else 'not met'} "
        f"({rate / BAR_EVENTS_PER_S:.0%} of {BAR_EVENTS_PER_S:,})"
        for run, rate in rates
    ]


def _druid_verdict(druid: DruidLatency) -> str:
    met = druid.p50_s < DRUID_BAR_P50_S and druid.p99_s < DRUID_BAR_P99_S
    return (
        f"into Druid: p50 {druid.p50_s * 1000:.0f} ms, p99 {druid.p99_s * 1000:.0f} ms, {'met' if met else 'not met'} "
        f"({DRUID_BAR_P50_S * 1000:.0f} and {DRUID_BAR_P99_S * 1000:.0f} ms)"
    )


def _druid_table(druid: DruidLatency) -> list[str]:
    times_ms = (f"{1000 * time_s:.0f}" for time_s in (druid.p50_s, druid.p99_s, druid.max_s, druid.query_p50_s))
    return [
        "| events/s | probes | p50 ms | p99 ms | most ms | one query ms |",
        "|--:|--:|--:|--:|--:|--:|",
        f"| {druid.sent_events_per_s:,.0f} | {druid.probes} | {' | '.join(times_ms)} |",
    ]


def _backlog_table(rows: Sequence[BacklogRow]) -> list[str]:
    stock = {row.broker: row.throughput for row in rows if row.worker == "stock-faust"}
    table = [
        "| broker | worker | vehicles | events/s | times stock | CPU s/million | broker CPU s/million | peak MiB |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        got = row.throughput
        ratio = f"{got.events_per_s / stock[row.broker].events_per_s:.0f}" if row.broker in stock else ""
        table.append(
            f"| {row.broker} | {row.worker} | {row.vehicles:,} | {got.events_per_s:,.0f} | {ratio} "
            f"| {got.cpu_s_per_million:.1f} | {got.broker_cpu_s_per_million:.1f} | {got.peak_mb:,.0f} |"
        )
    return table


def _live_table(rows: Sequence[LiveRow]) -> list[str]:
    table = [
        "| broker | vehicles | asked/s | sent/s | median lag s | most lag s | caught up s | worker | broker | sender |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        live = row.live
        table.append(
            f"| {row.broker} | {row.vehicles:,} | {live.asked_events_per_s:,.0f} | {live.sent_events_per_s:,.0f} "
            f"| {live.median_lag_s:.1f} | {live.max_lag_s:.1f} | {live.catch_up_s:.1f} "
            f"| {live.worker_cores:.2f} | {live.broker_cores:.2f} | {live.sender_cores:.2f} |"
        )
    return table
