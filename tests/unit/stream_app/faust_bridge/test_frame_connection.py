"""Answers of a broker come whole, in whatever pieces they arrive, and their records are not copied."""

import asyncio
import contextlib
import shutil
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka.errors import CorrelationIdError, KafkaConnectionError
from aiokafka.protocol.admin import ApiVersionResponse_v0
from aiokafka.protocol.fetch import FetchRequest, FetchResponse_v4

from stream_app.faust_bridge.frame_connection import BufferPool, FrameConnection

FETCH = 1
LARGE = 1_000_000


async def asked(reader: asyncio.StreamReader) -> int:
    """Take a request; give its correlation id."""
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    (correlation_id,) = struct.unpack(">i", (await reader.readexactly(size))[4:8])
    return int(correlation_id)


def framed(correlation_id: int, answer: bytes) -> bytes:
    return struct.pack(">ii", len(answer) + 4, correlation_id) + answer


def fetched(records: bytes) -> bytes:
    partition: tuple[object, ...] = (0, 0, 10, 10, [], records)
    return bytes(FetchResponse_v4(throttle_time_ms=0, topics=[("events", [partition])]).encode())


@contextlib.asynccontextmanager
async def connected(
    answers: list[bytes], *, pieces: int = 1 << 20, tls: Path | None = None
) -> AsyncIterator[FrameConnection]:
    """Connect to a server that answers fetches so, sends each answer in pieces, and then closes."""
    versions = ApiVersionResponse_v0(error_code=0, api_versions=[(FETCH, 4, 4), (18, 0, 0)]).encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError):  # the client has closed
            for answer in [versions, *answers]:
                frame = framed(await asked(reader), answer)
                for start in range(0, len(frame), pieces):
                    writer.write(frame[start : start + pieces])
                    await writer.drain()

    served = client = None
    if tls is not None:
        served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        served.load_cert_chain(tls / "certificate.pem", tls / "key.pem")
        client = ssl.create_default_context(cafile=str(tls / "certificate.pem"))
        client.check_hostname = False
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=served)
    port = server.sockets[0].getsockname()[1]
    protocol = "SSL" if tls else "PLAINTEXT"
    connection = FrameConnection("127.0.0.1", port, security_protocol=protocol, ssl_context=client)
    async with server:
        await connection.connect()
        yield connection
        if (closed := connection.close()) is not None:
            await closed


def fetch(connection: FrameConnection) -> asyncio.Future[FetchResponse_v4]:
    answer: asyncio.Future[FetchResponse_v4] = connection.send(
        FetchRequest(100, 1, LARGE, 0, [("events", [(0, 10, LARGE)])])
    )
    return answer


def records_of(response: FetchResponse_v4) -> bytes | memoryview:
    [(_topic, [partition])] = response.topics
    records: bytes | memoryview = partition[-1]
    return records


@pytest.mark.parametrize("pieces", [1000, 65_537, 1 << 20])
async def test_answers_come_whole_in_whatever_pieces_they_are_sent(pieces: int) -> None:
    contents = [b"a" * LARGE, b"", b"b" * 5, b"c" * (LARGE // 2)]
    async with connected([fetched(content) for content in contents], pieces=pieces) as connection:
        for content in contents:
            assert bytes(records_of(await fetch(connection))) == content


@pytest.fixture
def certificate_dir(tmp_path: Path) -> Path:
    openssl = shutil.which("openssl")
    assert openssl is not None, "install openssl (apt-get install openssl)"
    subject = ["-subj", "/CN=127.0.0.1", "-days", "2", "-nodes"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem")]
    subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", *subject, *files], check=True, capture_output=True)
    return tmp_path


async def test_answers_come_through_tls_too(certificate_dir: Path) -> None:
    async with connected([fetched(b"a" * LARGE), fetched(b"b")], tls=certificate_dir) as connection:
        assert bytes(records_of(await fetch(connection))) == b"a" * LARGE
        assert bytes(records_of(await fetch(connection))) == b"b"


async def test_memory_is_reused_once_no_view_of_it_is_left_and_not_before() -> None:
    async with connected([fetched(bytes([number]) * LARGE) for number in range(3)]) as connection:
        held = records_of(await fetch(connection))
        first = id(memoryview(held).obj)
        other = records_of(await fetch(connection))
        assert (held[0], other[0]) == (0, 1)
        assert id(memoryview(other).obj) != first
        del held
        again = records_of(await fetch(connection))
        assert (again[0], id(memoryview(again).obj)) == (2, first)


def test_a_buffer_that_is_too_small_gives_way_to_a_larger_one() -> None:
    buffers = BufferPool()
    sizes = [len(buffers.take(size)) for size in (100, 1000, 10)]
    assert sizes == [100, 1000, 10]
    assert len(buffers._buffers) == 1


async def test_a_connection_that_the_broker_closes_fails_what_was_asked() -> None:
    async with connected([]) as connection:
        with pytest.raises(KafkaConnectionError):
            await fetch(connection)
        assert not connection.connected()


async def test_an_answer_to_another_question_closes_the_connection() -> None:
    async with connected([fetched(b"a"), fetched(b"b")]) as connection:
        waiting = fetch(connection)
        _, request, future = connection._requests[0]
        connection._requests[0] = (99, request, future)
        with pytest.raises(CorrelationIdError):
            await waiting
        assert not connection.connected()
