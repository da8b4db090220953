"""The page of the benchmark says of each bar whether it is met, and only of what was measured."""

import dataclasses

import pytest

from bench.measurements.backlog import BacklogRow, Load
from bench.measurements.druid_latency import DruidLatency
from bench.measurements.onnx_speed import OnnxRow
from bench.measurements.score_latency import TopicLatency
from bench.measurements.stages import STAGES
from bench.measuring import Commit, Throughput
from bench.page import as_markdown
from bench.results import Results
from bench.verdicts import verdicts
from bench.workers import Kind


def _row(worker: Kind, events_per_s: float, *, vehicles: int = 1000, broker: str = "kafka") -> BacklogRow:
    return BacklogRow(broker, worker, 1, Load(vehicles, 1000), Throughput(events_per_s, 4.0, 1.0, 500.0, 800))


def _latency(p99_s: float, *, answer: str = "score", share: float = 0.5) -> TopicLatency:
    return TopicLatency(answer, 1000, share, 100.0, 100.0, 500, 0.05, 0.1, p99_s, 0.3)


@pytest.mark.parametrize(
    ("worker", "events_per_s", "met"),
    [
        ("quix-streams", 50_000, True),
        ("quix-streams", 51_000, False),
        ("stock-faust", 10_000, True),
        ("stock-faust", 10_100, False),
        ("kafka-streams, 1 thread", 280_000, True),
        ("kafka-streams, 1 thread", 290_000, False),
    ],
)
def test_ratio_to_a_peer_is_compared_with_its_bar(worker: Kind, events_per_s: float, met: bool) -> None:
    results = Results(0.0, backlog=[_row("driver-score", 200_000), _row(worker, events_per_s)])
    [verdict] = [verdict for verdict in verdicts(results) if worker in verdict.measured]
    assert verdict.met is met


def test_peers_are_compared_with_our_worker_at_the_same_vehicles_on_the_same_broker() -> None:
    peer = _row("quix-streams", 10_000)
    others = [_row("driver-score", 900_000, vehicles=300_000), _row("driver-score", 900_000, broker="embedded")]
    assert Results(0.0, backlog=[*others, peer]).ratio(peer) is None
    assert Results(0.0, backlog=[*others, _row("driver-score", 70_000), peer]).ratio(peer) == 7


@pytest.mark.parametrize(
    ("results", "judged"),
    [
        (Results(0.0), []),
        (Results(0.0, backlog=[_row("driver-score", 149_999)]), [False]),
        (Results(0.0, scores=[_latency(0.2), _latency(9, share=0.9)]), [True]),
        (Results(0.0, scores=[_latency(0.25)]), [False]),
        (Results(0.0, alerts=[_latency(0.9, answer="severe_event", share=0)]), [True]),
        (Results(0.0, alerts=[_latency(1.0, answer="severe_event", share=0)]), [False]),
        (Results(0.0, druid=DruidLatency(20_000, 300, 0.29, 1.1, 2.0, 0.05, 0.0)), [False]),
        (Results(0.0, druid=DruidLatency(20_000, 300, 0.29, 0.9, 2.0, 0.05, 0.0)), [True]),
    ],
)
def test_each_bar_is_judged_by_what_was_measured(results: Results, judged: list[bool]) -> None:
    assert [verdict.met for verdict in verdicts(results)] == judged


def test_page_shows_the_parts_that_were_run_and_what_failed() -> None:
    page = as_markdown(Results(0.5, scores=[_latency(0.2)], failures=["druid: the worker was not done"]))
    titles = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert titles == ["Targets", "Not measured", "From event to score", "Machine"]
    assert "| score | 1,000 | 50% | 100 | 100 | 500 | 50 | 100 | 200 | 300 |" in page


def test_page_shows_several_workers_stages_and_the_model() -> None:
    two = dataclasses.replace(_row("driver-score", 300_000), count=2)
    results = Results(0.5, workers=[two], stages_us=dict.fromkeys(STAGES, 0.5), onnx=[OnnxRow(64, 2e6, 3e5)])
    page = as_markdown(results)
    assert "| 2 | 300,000 | 4.0 | 1.0 | 500 |" in page
    assert f"| total | {len(STAGES) / 2:.2f} |  |" in page
    assert "| 64 | 2,000,000 | 300,000 |" in page
    assert "## Targets" not in page


def test_throughput_counts_the_events_of_envelopes_between_two_commits() -> None:
    first, last = Commit(10.0, 100, 1.0, 0.5), Commit(12.0, 300, 2.2, 0.8)
    throughput = Throughput.between(first, last, 100.0, events_per_record=30)
    assert throughput.events == 6000
    assert throughput.events_per_s == pytest.approx(3000)
    assert throughput.cpu_s_per_million == pytest.approx(200)
    assert throughput.broker_cpu_s_per_million == pytest.approx(50)
