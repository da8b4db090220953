"""Messages of a fleet onto Kafka, in record batches that are made before the clock runs.

So sending costs the measured machine little: in production the senders are other machines.
``python -m bench.sending`` is the sender of the live benchmark, a process of its own.
"""

import argparse
import asyncio
import io
import json
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from bench.fleet import Fleet

PARTITIONS: Final = 4

BATCH_BYTES: Final = 128 * 1024
"""A record batch of some 450 messages, as a gateway in front of the devices sends them."""

_OF_TRIP: Final = ("vehicle", "trip_id", "vehicle_id", "driver_id", "client_id")
"""What samples in an envelope have in common."""

_UNCOMPRESSED: Final = 0
_UNCONFIRMED_BATCHES: Final = 256
"""32 MiB on their way at most: brokers slow down when more is waiting."""


@dataclass(frozen=True)
class ReadyBatch:
    """A record batch to send, as often as wanted.

    Attributes
    ----------
    partition
        Where it goes; all messages of a vehicle go to the same.
    end
        Number of its last event among all of the fleet, plus one.
    builder
        Holds the records.
    """

    partition: int
    end: int
    builder: BatchBuilder


@dataclass(frozen=True)
class Content:
    """What a topic is filled with.

    Attributes
    ----------
    batches
        In the order in which they fill up.
    records, events
        In all of them: an envelope is one record with several events.
    """

    batches: list[ReadyBatch]
    records: int
    events: int


def ready_content(fleet: Fleet, events: int, *, samples: int = 1) -> Content:
    """Make the record batches of so many events; several samples a message come as envelopes."""
    batches = []
    builders = [_builder() for _ in range(PARTITIONS)]
    records = done = 0
    for frame in fleet.frames(events, samples=samples):
        messages = frame.with_columns(count=1) if samples == 1 else _envelopes(frame, samples)
        now_ms = int(time.time() * 1000)
        columns = (messages[name].to_list() for name in ("vehicle_id", "count"))
        for key, count, line in zip(*columns, _lines(messages), strict=True):
            key_bytes, partition = key.encode(), partition_of(key)
            if builders[partition].append(timestamp=now_ms, key=key_bytes, value=line) is None:
                batches.append(ReadyBatch(partition, done, builders[partition]))
                builders[partition] = _builder()
                builders[partition].append(timestamp=now_ms, key=key_bytes, value=line)
            done += count
            records += 1
    unfilled = [ReadyBatch(partition, done, builder) for partition, builder in enumerate(builders)]
    batches.extend(batch for batch in unfilled if batch.builder.record_count())
    return Content(batches, records, events)


def partition_of(vehicle_id: str) -> int:
    """Give the partition that librdkafka places a vehicle's records on by default."""
    return zlib.crc32(vehicle_id.encode()) % PARTITIONS


def _builder() -> BatchBuilder:
    return BatchBuilder(BATCH_BYTES, _UNCOMPRESSED)


def _lines(messages: pl.DataFrame) -> list[bytes]:
    lines = io.BytesIO()
    messages.drop("vehicle", "count").write_ndjson(lines)
    return lines.getvalue().splitlines()


def _envelopes(frame: pl.DataFrame, samples: int) -> pl.DataFrame:
    """Put neighbouring samples of a trip into one ``TripEventBatch``, as devices upload them."""
    burst = pl.int_range(pl.len()).floordiv(samples).alias("burst")
    of_sample = [name for name in frame.columns if name not in _OF_TRIP]
    return (
        frame.group_by(burst, *_OF_TRIP, maintain_order=True)
        .agg(pl.len().alias("count"), samples=pl.struct(of_sample))
        .drop("burst")
    )


async def send(bootstrap: str, topic: str, batches: Sequence[ReadyBatch], *, events_per_s: float | None) -> float:
    """Send batches, all at once or each at the time of its last event.

    Returns
    -------
    float
        The seconds by which the last batch was sent too late; 0 when not paced.
    """
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=16 * BATCH_BYTES)
    await producer.start()
    window = asyncio.Semaphore(_UNCONFIRMED_BATCHES)
    first = batches[0].end
    started = time.perf_counter()
    behind_s = 0.0
    confirmations = []
    try:
        for batch in batches:
            if events_per_s is not None:
                wait_s = started + (batch.end - first) / events_per_s - time.perf_counter()
                behind_s = max(0.0, -wait_s)
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
            await window.acquire()
            confirmation = await producer.send_batch(batch.builder, topic, partition=batch.partition)
            confirmation.add_done_callback(lambda _: window.release())
            confirmations.append(confirmation)
        await asyncio.gather(*confirmations)
    finally:
        await producer.stop()
    return behind_s


def main() -> None:
    """Send a first part at once, wait for a line of input, and send all others paced."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    parser.add_argument("--vehicles", type=int, required=True)
    parser.add_argument("--first", type=int, required=True, help="events sent at once")
    parser.add_argument("--events", type=int, required=True, help="events sent paced")
    parser.add_argument("--events-per-s", type=float, required=True)
    arguments = parser.parse_args()
    batches = ready_content(Fleet(arguments.vehicles), arguments.first + arguments.events).batches
    first = [batch for batch in batches if batch.end <= arguments.first]
    asyncio.run(send(arguments.bootstrap, arguments.topic, first, events_per_s=None))
    _say(records=sum(batch.builder.record_count() for batch in first))
    sys.stdin.readline()
    started = time.perf_counter()
    behind_s = asyncio.run(
        send(arguments.bootstrap, arguments.topic, batches[len(first) :], events_per_s=arguments.events_per_s)
    )
    _say(behind_s=behind_s, elapsed_s=time.perf_counter() - started)


def _say(**numbers: float) -> None:
    sys.stdout.write(json.dumps(numbers) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
