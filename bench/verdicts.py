"""Whether the targets are met."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.results import Results
from bench.workers import OURS, Kind

EVENTS_PER_S: Final = 150_000
"""What one worker must keep up with."""

RATIOS: Final[dict[Kind, float]] = {"quix-streams": 4, "stock-faust": 20, "kafka-streams, 1 thread": 0.7}
"""How many times as fast as each our worker must be."""

SCORE_P99_S: Final = 0.25
HALF: Final = 0.5
"""From event to score, at this share of the worker's maximum."""

ALERT_P99_S: Final = 1.0
RECOVERY_S: Final = 15.0
TRIP_BYTES: Final = 1200
DRUID_P50_S: Final = 0.3
DRUID_P99_S: Final = 1.0


@dataclass(frozen=True)
class Verdict:
    """One target: what was measured, whether it is met, and where it stands."""

    measured: str
    met: bool
    target: str

    def __str__(self) -> str:
        return f"{self.measured}: {'met' if self.met else 'not met'} ({self.target})"


def verdicts(results: Results) -> Iterator[Verdict]:
    """Judge what was measured."""
    for row in results.backlog:
        rate = row.throughput.events_per_s
        if row.worker == OURS:
            shape = f"{row.broker}, {row.load.vehicles:,} vehicles, {rate:,.0f} events/s"
            yield Verdict(shape, rate >= EVENTS_PER_S, f"{rate / EVENTS_PER_S:.0%} of {EVENTS_PER_S:,}")
    for row in results.backlog:
        ratio = results.ratio(row)
        if row.worker in RATIOS and ratio is not None:
            target = RATIOS[row.worker]
            compared = f"{ratio:.2f} times as fast as {row.worker} at {row.load.vehicles:,} vehicles"
            yield Verdict(compared, ratio >= target, f"at least {target:g}")
    for latency in results.scores:
        if latency.share == HALF:
            measured = (
                f"event to score at half of the maximum, {latency.vehicles:,} vehicles: {_ms(latency.p99_s)} (p99)"
            )
            yield Verdict(measured, latency.p99_s < SCORE_P99_S, f"less than {_ms(SCORE_P99_S)}")
    for latency in results.alerts:
        measured = f"event to alert, {latency.answer}: {_ms(latency.p99_s)} (p99)"
        yield Verdict(measured, latency.p99_s < ALERT_P99_S, f"less than {_ms(ALERT_P99_S)}")
    yield from _robustness(results)
    if results.druid is not None:
        druid = results.druid
        met = druid.p50_s < DRUID_P50_S and druid.p99_s < DRUID_P99_S
        measured = f"into Druid: {_ms(druid.p50_s)} (p50), {_ms(druid.p99_s)} (p99)"
        yield Verdict(measured, met, f"less than {_ms(DRUID_P50_S)} and {_ms(DRUID_P99_S)}")


def _robustness(results: Results) -> Iterator[Verdict]:
    if results.recoveries:
        silence_s = max(recovery.silence_s for recovery in results.recoveries)
        measured = f"one of two workers killed, no score for some partition for {silence_s:.1f} s"
        yield Verdict(measured, silence_s <= RECOVERY_S, f"at most {RECOVERY_S:g} s")
    if len(results.memory) > 1:
        few, many = results.memory[0], results.memory[-1]
        held = (many.rss_mb - few.rss_mb) * 2**20 / (many.trips - few.trips)
        yield Verdict(
            f"resident memory of an open trip: {held:,.0f} bytes", held <= TRIP_BYTES, f"at most {TRIP_BYTES:,}"
        )


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"
