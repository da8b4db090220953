"""The private names of Faust and aiokafka that the bridge stands on: each is listed, and still what it was.

A new version may change any of them without a word. Then these tests say which one, before a worker does.
"""

import ast
import inspect
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import aiokafka
import aiokafka.consumer.fetcher
import aiokafka.consumer.group_coordinator
import aiokafka.record.memory_records
import faust
import faust.app.base
import faust.channels
import faust.stores.memory
import faust.tables.base
import faust.tables.objects
import faust.transport.consumer
import faust.transport.drivers.aiokafka
import pytest

import stream_app.faust_bridge
from stream_app.faust_bridge.frame_connection import FrameConnection

BRIDGE = Path(stream_app.faust_bridge.__file__).parent
LIBRARIES = {"aiokafka", "faust", "mode"}
TESTED_VERSIONS = {"aiokafka": "0.14.0", "faust-streaming": "0.15.3"}


class PrivateName(NamedTuple):
    """A private name: its class, and what the bridge uses it for."""

    owner: type
    name: str
    use: str
    parameters: tuple[str, ...] | None = None
    """Of a method that is called or overridden; null for an attribute."""


CONNECTION = FrameConnection.__base__  # aiokafka's own name leads to ours
FETCHER = aiokafka.consumer.fetcher.Fetcher
FETCH_RESULT = aiokafka.consumer.fetcher.FetchResult
PARTITION_RECORDS = aiokafka.consumer.fetcher.PartitionRecords
MEMORY_RECORDS = aiokafka.record.memory_records._MemoryRecordsPy
COORDINATOR = aiokafka.consumer.group_coordinator.GroupCoordinator
AIOKAFKA_CONSUMER = aiokafka.AIOKafkaConsumer
CONSUMER = faust.transport.drivers.aiokafka.Consumer
THREAD = faust.transport.drivers.aiokafka.AIOKafkaConsumerThread

PRIVATE_NAMES = [
    PrivateName(CONNECTION, "_create_reader_task", "starts our reader instead of aiokafka's", ("self",)),
    PrivateName(CONNECTION, "_read", "is our reader", ("self_ref",)),
    PrivateName(CONNECTION, "_handle_frame", "parses fetch responses without a copy", ("self", "resp")),
    PrivateName(CONNECTION, "_protocol", "is called on a lost connection"),
    PrivateName(CONNECTION, "_writer", "has the transport that our protocol uses"),
    PrivateName(CONNECTION, "_requests", "holds the requests that wait for a response"),
    PrivateName(CONNECTION, "_last_action", "keeps a busy connection from being closed as idle"),
    PrivateName(AIOKAFKA_CONSUMER, "_fetcher", "leads to what was fetched"),
    PrivateName(AIOKAFKA_CONSUMER, "_isolation_level", "is set: no records of aborted transactions are read"),
    PrivateName(AIOKAFKA_CONSUMER, "_coordinator", "leads to the coordination of the group"),
    PrivateName(COORDINATOR, "_coordination_task", "tells that coordination has ended for good"),
    PrivateName(FETCHER, "_records", "is replaced by a dictionary that keeps record batches encoded"),
    PrivateName(FETCHER, "_fetch_max_wait_ms", "is set: how long a fetch may wait for more records"),
    PrivateName(FETCHER, "_fetch_min_bytes", "is set: how much a fetch waits for"),
    PrivateName(FETCHER, "_max_partition_fetch_bytes", "gives the size that a fetch waits for"),
    PrivateName(FETCH_RESULT, "_partition_records", "is replaced by encoded records"),
    PrivateName(PARTITION_RECORDS, "_tp", "is passed on to encoded records"),
    PrivateName(PARTITION_RECORDS, "_records", "has the fetched bytes"),
    PrivateName(PARTITION_RECORDS, "_aborted_transactions", "is passed on to encoded records"),
    PrivateName(PARTITION_RECORDS, "_check_crcs", "is passed on to encoded records"),
    PrivateName(PARTITION_RECORDS, "_isolation_level", "is passed on to encoded records"),
    PrivateName(PARTITION_RECORDS, "_records_iterator", "is cleared, as it forms a reference cycle"),
    PrivateName(PARTITION_RECORDS, "_unpack_records", "yields record batches", ("self",)),
    PrivateName(PARTITION_RECORDS, "_consumer_record", "returns a record batch as it is", ("self", "tp", "record")),
    PrivateName(MEMORY_RECORDS, "_buffer", "has the fetched bytes"),
    PrivateName(MEMORY_RECORDS, "_pos", "tells where a record batch ends"),
    PrivateName(MEMORY_RECORDS, "_next_slice", "tells how long a record batch is"),
    PrivateName(THREAD, "_fetch_records", "replaces the fetched records of batched topics", None),
    PrivateName(THREAD, "_create_worker_consumer", "creates aiokafka's consumer", ("self", "transport")),
    PrivateName(THREAD, "_commit", "commits offsets with metadata", ("self", "offsets")),
    PrivateName(THREAD, "_consumer", "tells whether there is a consumer yet"),
    PrivateName(THREAD, "_ensure_consumer", "gives aiokafka's consumer on its thread", ("self",)),
    PrivateName(CONSUMER, "_new_consumer_thread", "creates our thread", ("self",)),
    PrivateName(CONSUMER, "_thread", "runs what must run on the thread that fetches"),
    PrivateName(CONSUMER, "_seek", "seeks on the thread that fetches", ("self", "partition", "offset")),
    PrivateName(CONSUMER, "_new_offset", "gives the offset to commit", ("self", "tp")),
    PrivateName(CONSUMER, "_acked", "has the acknowledged offsets"),
    PrivateName(CONSUMER, "_acked_index", "has the acknowledged offsets once more"),
    PrivateName(CONSUMER, "_committed_offset", "gives the committed offset"),
    PrivateName(CONSUMER, "_read_offset", "returns and sets the offset that was read last"),
    PrivateName(CONSUMER, "_buffered_partitions", "says whose records are delivered although they are paused"),
    PrivateName(CONSUMER, "_wait_next_records", "fetches", ("self", "timeout")),
    PrivateName(CONSUMER, "_to_message", "makes a message of a changelog's record", ("self", "tp", "record")),
    PrivateName(faust.App, "_crashed", "tells that Faust has failed"),
    PrivateName(faust.App, "_create_directories", "creates no folders", ("self",)),
    PrivateName(faust.App, "_on_agent_error", "stops the worker", ("self", "agent", "exc")),
    PrivateName(faust.App, "_new_transport", "creates our transport", ("self",)),
    PrivateName(faust.stores.memory.Store, "_key_partition", "tells Faust which partition a row belongs to"),
]


@pytest.mark.parametrize("private", PRIVATE_NAMES, ids=lambda private: f"{private.owner.__name__}.{private.name}")
def test_a_private_name_is_still_there_and_takes_what_it_took(private: PrivateName) -> None:
    where = f"{private.owner.__module__}.{private.owner.__qualname__}.{private.name}"
    hint = f"{where} has changed; it {private.use}. Adapt the bridge, then this list."
    if private.parameters is not None:
        method = getattr(private.owner, private.name, None)
        assert method is not None, hint
        assert tuple(inspect.signature(method).parameters) == private.parameters, hint
    else:
        bases = [kind for kind in private.owner.__mro__ if kind.__module__.partition(".")[0] in LIBRARIES]
        sources = [inspect.getsource(kind) for kind in bases]
        assert any(private.name in source for source in sources), hint


def test_the_versions_are_those_that_the_bridge_was_tested_with() -> None:
    installed = {package: version(package) for package in TESTED_VERSIONS}
    assert installed == TESTED_VERSIONS, "run the integration and chaos tests, then change the versions here"


def private_names_of_others() -> set[str]:
    """Find the private names that the bridge uses and does not define, and those of a base class that it overrides."""
    used, defined, overridable = set(), set(), {private.name for private in PRIVATE_NAMES}
    for path in BRIDGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                used.add(node.attr)
                is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
                if is_own and isinstance(node.ctx, ast.Store) and node.attr not in overridable:
                    defined.add(node.attr)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("_"):
                (used if node.name in overridable else defined).add(node.name)
    return {name for name in used - defined if not name.startswith("__")}


def test_every_private_name_that_the_bridge_uses_is_listed() -> None:
    assert private_names_of_others() == {private.name for private in PRIVATE_NAMES}
