"""Rows per second that the model scores, by batch size: the graph alone, and the whole scorer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from schemas.settings import ExposureSettings
from scoring.model import DEFAULT_MODEL, ExposureLimits, Scorer
from scoring.model.graph import ModelGraph
from scoring.model.inputs import derive_inputs
from scoring.model.metadata import GRAPH_FILE

BATCHES: Final = (1, 64, 4096)


@dataclass(frozen=True)
class OnnxRow:
    """Rows per second with batches of one size: of ONNX Runtime alone, and of `Scorer.score` with score and reasons."""

    batch: int
    graph_rows_per_s: float
    scorer_rows_per_s: float


def measure(seconds: float) -> list[OnnxRow]:
    """Score the model's golden rows again and again, for so long with each size, on one thread."""
    scorer = Scorer.load(DEFAULT_MODEL)
    graph = ModelGraph((DEFAULT_MODEL / GRAPH_FILE).read_bytes())
    golden = np.array([row.features for row in scorer.metadata.golden_rows], dtype=np.float64)
    rows = []
    for batch in BATCHES:
        features = np.resize(golden, (batch, golden.shape[1]))
        inputs = derive_inputs(features, scorer.metadata.inputs)
        graph_calls = _calls_per_s(partial(graph.run, inputs), seconds)
        calls = _calls_per_s(partial(scorer.score, features, ExposureLimits.of_trips(ExposureSettings())), seconds)
        rows.append(OnnxRow(batch, graph_calls * batch, calls * batch))
    return rows


def _calls_per_s(call: Callable[[], object], seconds: float) -> float:
    """Time calls by the processor time of this thread, so that other work on the machine does not count."""
    call()
    calls = 0
    started, started_cpu = time.perf_counter(), time.thread_time()
    while time.perf_counter() - started < seconds:
        call()
        calls += 1
    return calls / (time.thread_time() - started_cpu)
