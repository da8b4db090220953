"""Results as Markdown tables."""

from collections.abc import Sequence

from bench.measurements.backlog import BacklogRow
from bench.measurements.druid_latency import DruidLatency
from bench.measurements.live import Live
from bench.measurements.memory import Held
from bench.measurements.onnx_speed import OnnxRow
from bench.measurements.recovery import Recovery
from bench.measurements.score_latency import TopicLatency
from bench.measurements.stages import STAGES
from bench.results import Results
from bench.workers import OURS


def backlog(results: Results) -> list[str]:
    """Show each kind of worker, and how many times as fast as it ours is."""
    rows = []
    for row in results.backlog:
        ratio = None if row.worker == OURS else results.ratio(row)
        times = "" if ratio is None else f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"
        got = row.throughput
        rows.append([row.broker, row.worker, f"{row.load.vehicles:,}", f"{got.events_per_s:,.0f}", times, *_costs(row)])
    names = ["broker", "worker", "vehicles", "events/s", "speedup of driver-score", *_COSTS]
    return _table(names, rows, text_columns=2)


def workers(rows: Sequence[BacklogRow]) -> list[str]:
    """Show several workers of ours on one topic."""
    cells = [[str(row.count), f"{row.throughput.events_per_s:,.0f}", *_costs(row)] for row in rows]
    return _table(["workers", "total events/s", *_COSTS], cells)


def envelopes(rows: Sequence[BacklogRow]) -> list[str]:
    """Show what envelopes save."""
    cells = [[str(row.load.samples), f"{row.throughput.events_per_s:,.0f}", *_costs(row)] for row in rows]
    return _table(["samples per message", "events/s", *_COSTS], cells)


def live(rows: Sequence[Live]) -> list[str]:
    """Show how far behind a steady pace the worker is."""
    names = ["vehicles", "target/s", "sent/s", "median lag s", "max lag s", "catch-up s", "worker", "broker", "sender"]
    cells = [
        [
            f"{row.vehicles:,}",
            f"{row.asked_events_per_s:,.0f}",
            f"{row.sent_events_per_s:,.0f}",
            *(f"{lag_s:.1f}" for lag_s in (row.median_lag_s, row.max_lag_s, row.catch_up_s)),
            *(f"{cores:.2f}" for cores in (row.worker_cores, row.broker_cores, row.sender_cores)),
        ]
        for row in rows
    ]
    return _table(names, cells)


def latency(rows: Sequence[TopicLatency]) -> list[str]:
    """Return the table of latencies."""
    names = ["to", "vehicles", "share of max", "target/s", "sent/s", "probes", "p50 ms", "p90 ms", "p99 ms", "max ms"]
    cells = [
        [
            row.answer,
            f"{row.vehicles:,}",
            f"{row.share:.0%}" if row.share else "",
            f"{row.asked_events_per_s:,.0f}",
            f"{row.sent_events_per_s:,.0f}",
            str(row.probes),
            *(f"{1000 * time_s:.0f}" for time_s in (row.p50_s, row.p90_s, row.p99_s, row.max_s)),
        ]
        for row in rows
    ]
    return _table(names, cells, text_columns=1)


def druid(row: DruidLatency | None) -> list[str]:
    """Return the table of the latency into Druid."""
    if row is None:
        return []
    times_ms = [f"{1000 * time_s:.0f}" for time_s in (row.p50_s, row.p99_s, row.max_s, row.query_p50_s)]
    names = ["events/s", "probes", "p50 ms", "p99 ms", "max ms", "query ms"]
    return _table(names, [[f"{row.sent_events_per_s:,.0f}", str(row.probes), *times_ms]])


def recovery(rows: Sequence[Recovery]) -> list[str]:
    """Show how long a killed worker's trips wait."""
    cells = [[f"{row.vehicles:,}", f"{row.events_per_s:,.0f}", f"{row.silence_s:.1f}"] for row in rows]
    return _table(["vehicles", "events/s", "longest time without a score for some partition, s"], cells)


def memory(rows: Sequence[Held]) -> list[str]:
    """Show what open trips cost, and below it the difference of many to few."""
    names = ["open trips", "resident MiB", "peak MiB", "checkpoint s", "restart s", "restart peak MiB"]
    cells = [
        [
            f"{row.trips:,}",
            f"{row.rss_mb:,.0f}",
            f"{row.peak_mb:,.0f}",
            f"{row.checkpoint_s:.2f}",
            f"{row.restart_s:.1f}",
            f"{row.restart_peak_mb:,.0f}",
        ]
        for row in rows
    ]
    if len(rows) < 2:
        return _table(names, cells)
    few, many = rows[0], rows[-1]
    trips = many.trips - few.trips
    difference = (
        f"An open trip takes {(many.rss_mb - few.rss_mb) * 2**20 / trips:,.0f} bytes of resident memory; restoring "
        f"{trips:,} trips takes {many.restart_s - few.restart_s:.1f} s."
    )
    return [*_table(names, cells), "", difference]


def onnx(rows: Sequence[OnnxRow]) -> list[str]:
    """Show the speed of the model."""
    cells = [[f"{row.batch:,}", f"{row.graph_rows_per_s:,.0f}", f"{row.scorer_rows_per_s:,.0f}"] for row in rows]
    return _table(["rows per batch", "ONNX graph only, rows/s", "score, band and reasons, rows/s"], cells)


def stages(costs_us: dict[str, float]) -> list[str]:
    """Show what each stage costs."""
    if not costs_us:
        return []
    total_us = sum(costs_us.values())
    cells = [[stage, f"{costs_us[stage]:.2f}", f"{costs_us[stage] / total_us:.0%}"] for stage in STAGES]
    return _table(["stage", "CPU µs per event", "share"], [*cells, ["total", f"{total_us:.2f}", ""]], text_columns=1)


_COSTS = ["CPU s/million", "broker CPU s/million", "peak MiB"]


def _costs(row: BacklogRow) -> list[str]:
    got = row.throughput
    return [f"{got.cpu_s_per_million:.1f}", f"{got.broker_cpu_s_per_million:.1f}", f"{got.peak_mb:,.0f}"]


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], *, text_columns: int = 0) -> list[str]:
    """Write a table whose first columns are text, the others numbers; nothing without rows."""
    if not rows:
        return []
    rule = ["---" if column < text_columns else "--:" for column in range(len(names))]
    return [f"| {' | '.join(names)} |", f"|{'|'.join(rule)}|", *(f"| {' | '.join(cells)} |" for cells in rows)]
