"""The page ``docs/performance.md``."""

from typing import Final

from bench import tables
from bench.machine import machine
from bench.results import Results
from bench.verdicts import verdicts

_INTRODUCTION: Final = """\
# Performance

Written by `python -m bench --write docs/performance.md` (`make bench` shows the same tables). The numbers are of one
machine at one time; the broker, the senders and the workers share its processors. All parts are of one run, one after
the other. The broker is Apache Kafka, unless the row says *embedded*: that is the broker of the demo.
"""

_BACKLOG: Final = """\
One process consumes a topic full of single events and does the whole job: decode, validate, compute features, score,
publish, store states, commit offsets. Each vehicle sends one sample per second of event time, and all vehicles have an
open trip at once. Throughput is measured from the first commit after a warm-up (30% of the events) to the last commit
of the first 85%. So start-up and compilation are excluded, no worker runs out of events, and everything that makes an
event durable is included. All workers store states and commit offsets every 2 s, so that there are commits to measure
between.

All workers consume events of the same fleet, the slow ones fewer of them, and score with the same ONNX model.
Driver-score does more than any of them: it sorts late events, gives reasons, raises alerts, and keeps driver profiles.

- *stock-faust*: Faust as its documentation shows it, one event at a time, a table with its changelog; *no table* keeps
  its states in memory only. It computes the features that fit a dictionary of sums, and validates with pydantic.
- *quix-streams*: the same functions as a stateful operation of Quix Streams, state in RocksDB with its changelog.
- *polars-loop*: a hand-written loop of confluent-kafka and Polars, the same sums per batch; nothing is durable.
- *kafka-streams*: Java (`bench/peers/kafka_streams`), nearly all features, the same validation; state in memory with
  cache and changelog. Its peak memory is its configured heap.
"""

_WORKERS: Final = """\
Workers of one consumer group on one topic of four partitions, on two cores shared with the broker.
"""

_ENVELOPES: Final = """\
Devices upload samples in envelopes (`TripEventBatch`): the same events in fewer messages, for 1,000 vehicles.
"""

_LATENCY: Final = """\
A fleet sends at a share of the worker's maximum, which is the backlog throughput of this run. Besides, 25 probe trips a
second are sent, each at once. Latency is measured from just before the probe's first message is passed to the producer
until a consumer of the output topic has its final score. States are stored every 5 s, the default. The sender uses the
same processors, so at 90% the machine is saturated before the worker is.
"""

_ALERTS: Final = """\
The same for `trip-alerts`, with 20,000 vehicles that send one sample a second each: the alert for a severe brake event,
and the alert for the trip that enters high risk by it.
"""

_LIVE: Final = """\
Events are sent at a constant rate while the worker runs. Lag is the age of the oldest event whose offset is not
committed. With a checkpoint every two seconds, a worker that keeps up has a lag of 1 s in the median and 2 s at most.
The last columns are the processors that each process kept busy.
"""

_DRUID: Final = """\
A fleet of 20,000 vehicles sends 20,000 events/s through worker and Kafka into Druid, all on this machine. Besides, ten
trips a second are sent. Latency is measured from just before a trip's messages are passed to the producer until an SQL
query to Druid returns its final score. The first 45 s are excluded, because Java compiles then.
"""

_STAGES: Final = """\
The backlog of 1,000 vehicles again, with the processor time of each stage of the worker measured on the threads that
run it, on as many cores as they use.
"""

_ONNX: Final = """\
One thread, by processor time. A worker scores all emitted rows of a batch of records at once: usually some dozens.
"""

_RECOVERY: Final = """\
Two workers with default settings, and `kill -9` for one of them: the longest time without a score on `driver-scores`
for some partition of `trip-events`. It includes the session timeout, the rebalance and the restoring of states.
"""

_MEMORY: Final = """\
A worker with a thousand vehicles and one with a million, each vehicle with an open trip, consume the same number of
events. Then the worker is killed and started again. Restart is the time from the start of the process to its first
commit, states restored. Resident memory includes the base memory of a worker and the events within the grace period:
three for each of a million trips, as at 300,000 events/s and a grace period of 10 s.
"""


def as_markdown(results: Results) -> str:
    """Return the page, with the parts that were run."""
    lines = [_INTRODUCTION]
    for title, text, table in _sections(results):
        if table:
            lines += [f"## {title}", "", *([text] if text else []), *table, ""]
    facts = machine(results.load_before)
    lines += ["## Machine", "", *(f"- {name}: {fact}" for name, fact in facts.items())]
    return "\n".join(lines) + "\n"


def _sections(results: Results) -> list[tuple[str, str, list[str]]]:
    """Return title, text and table of each section."""
    return [
        ("Targets", "", [f"- {verdict}" for verdict in verdicts(results)]),
        ("Not measured", "", [f"- {failure}" for failure in results.failures]),
        ("Backlog", _BACKLOG, tables.backlog(results)),
        ("Several workers", _WORKERS, tables.workers(results.workers)),
        ("Envelopes", _ENVELOPES, tables.envelopes(results.envelopes)),
        ("From event to score", _LATENCY, tables.latency(results.scores)),
        ("From event to alert", _ALERTS, tables.latency(results.alerts)),
        ("Live lag", _LIVE, tables.live(results.lives)),
        ("Into Druid", _DRUID, tables.druid(results.druid)),
        ("Processor time per stage", _STAGES, tables.stages(results.stages_us)),
        ("The model", _ONNX, tables.onnx(results.onnx)),
        ("Recovery from a killed worker", _RECOVERY, tables.recovery(results.recoveries)),
        ("A million open trips", _MEMORY, tables.memory(results.memory)),
    ]
