"""The page ``docs/performance.md``."""

from typing import Final

from bench import tables
from bench.machine import machine
from bench.results import Results
from bench.verdicts import verdicts

_INTRODUCTION: Final = """\
# Performance

Written by `python -m bench --write docs/performance.md` (`make bench` shows the same tables). The numbers are of one
machine at one time; the broker, the senders and the workers share its processors. All of it is one run, each part of
it after the other. Where no broker is named it is Apache Kafka; *embedded* is the one of the demo.
"""

_BACKLOG: Final = """\
A topic full of single events, and one process that works it off, the whole job included: decode, validate, features,
score, publish, store states, commit offsets. Each vehicle sends one sample a second of event time, and all have an open
trip at once. The clock runs from the first commit after a warm-up (30% of the events) to the last commit of the first
85%, so start-up and compilation are left out, no worker runs out of work, and everything that makes an event durable is
counted. States are stored and offsets committed every 2 s by all, so that there are commits to measure between.

All work off the events of the same fleet, the slow ones fewer of them, and score by the same ONNX model. Our worker
does more than any of them: it sorts late events in, gives reasons, raises alerts, and keeps drivers' profiles.

- *stock-faust*: Faust as its documentation shows it, one event at a time, a table with its changelog; *no table* keeps
  its states in memory only. It takes the features that fit a dictionary of sums, and checks messages with pydantic.
- *quix-streams*: the same functions as a stateful step of Quix Streams, state in RocksDB with its changelog.
- *polars-loop*: confluent-kafka and Polars by hand, the same sums for a batch at a time; nothing is durable.
- *kafka-streams*: Java (`bench/peers/kafka_streams`), nearly all features, checked as our worker checks; state in
  memory with cache and changelog. Its peak is the heap that it is given.
"""

_WORKERS: Final = """\
Workers of one group on one topic of four partitions, on two cores that the broker needs too.
"""

_ENVELOPES: Final = """\
Devices upload samples in envelopes (`TripEventBatch`): the same work with fewer messages, for 1,000 vehicles.
"""

_LATENCY: Final = """\
A fleet sends at a share of the worker's maximum as the backlog of this run has it, and 25 times a second a probe trip
is sent all at once. The clock of a probe runs from just before its first message is handed to the producer until a
consumer of the output topic has its final score. States are stored every 5 s, as by default. The sender needs the same
processors, so that at 90% the machine is full before the worker is.
"""

_ALERTS: Final = """\
The same for `trip-alerts`, with 20,000 vehicles that send one sample a second each: the alert for a severe brake, and
the alert for the trip that becomes one of high risk by it.
"""

_LIVE: Final = """\
Events sent at a steady pace while the worker runs. Lag is the age of the oldest event whose offset is not committed;
with a checkpoint every two seconds, a worker that is never late shows 1 s in the median and 2 s at most. The last
columns are processors kept busy.
"""

_DRUID: Final = """\
A fleet of 20,000 vehicles sends 20,000 events a second through worker and Kafka into Druid, all on this machine. Beside
it ten trips a second are sent; the clock of each runs from just before its messages are handed to the producer until an
SQL query to Druid answers with its final score. The first 45 s are not counted: Java compiles then.
"""

_STAGES: Final = """\
The same backlog of 1,000 vehicles, with a meter around each stage of the worker: processor time of the threads that
run it, on as many cores as they take.
"""

_ONNX: Final = """\
One thread, by processor time. A worker scores at once what falls due in a batch of records: usually some dozens of
rows.
"""


_RECOVERY: Final = """\
Two workers with default settings, and `kill -9` for one of them: the longest time in which some partition of
`trip-events` had no score on `driver-scores`, the session's end, the move of the partitions and the restoring of states
included.
"""

_MEMORY: Final = """\
A worker with a thousand vehicles, and one with a million, each with an open trip, work off the same number of events.
Then it is killed and started again: the restart is the time from the start of the process to its first commit, states
restored. Resident memory includes what every worker has, and events that wait for the grace period: three of each of a
million trips, which is what 300,000 events a second leave to wait in its 10 s.
"""


def as_markdown(results: Results) -> str:
    """Give the page, with the parts that were run."""
    lines = [_INTRODUCTION]
    for title, text, table in _sections(results):
        if table:
            lines += [f"## {title}", "", *([text] if text else []), *table, ""]
    facts = machine(results.load_before)
    lines += ["## Machine", "", *(f"- {name}: {fact}" for name, fact in facts.items())]
    return "\n".join(lines) + "\n"


def _sections(results: Results) -> list[tuple[str, str, list[str]]]:
    """Give title, text and table of each section."""
    return [
        ("The bars", "", [f"- {verdict}" for verdict in verdicts(results)]),
        ("Not measured", "", [f"- {failure}" for failure in results.failures]),
        ("Backlog", _BACKLOG, tables.backlog(results)),
        ("Several workers", _WORKERS, tables.workers(results.workers)),
        ("Envelopes", _ENVELOPES, tables.envelopes(results.envelopes)),
        ("From event to score", _LATENCY, tables.latency(results.scores)),
        ("From event to alert", _ALERTS, tables.latency(results.alerts)),
        ("Live", _LIVE, tables.live(results.lives)),
        ("Into Druid", _DRUID, tables.druid(results.druid)),
        ("What each stage costs", _STAGES, tables.stages(results.stages_us)),
        ("The model", _ONNX, tables.onnx(results.onnx)),
        ("A worker is killed", _RECOVERY, tables.recovery(results.recoveries)),
        ("A million open trips", _MEMORY, tables.memory(results.memory)),
    ]
