"""Kafka's responses from the socket straight into the memory that their records are read in.

aiokafka itself copies each response three times while it holds the interpreter: into the stream's buffer, out of it,
and once more for each partition. That was half of the cost of a fetch, and no other thread ran Python meanwhile.
"""

import asyncio
import struct
import time
from typing import Any, Final

import aiokafka.conn
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.fetch import FetchRequest

_SIZE: Final = struct.Struct(">i")
"""Before each response (Kafka protocol, common request and response structure)."""

_LARGE: Final = 64 * 1024
"""From this size on bytes are not copied. No text of the protocol is so long, so texts are always copied."""

_POOLED: Final = 4
"""Buffers that are kept: one that is written to, one whose batches wait, and two in progress."""


class BufferPool:
    """Memory for large responses, used again once no view of it is left.

    A page that the system gives anew costs ten times what it costs to write to one that is there. Whether a buffer is
    viewed is told by CPython's own rule: a `bytearray` can't be resized while it exports a buffer.
    """

    def __init__(self) -> None:
        self._buffers: list[bytearray] = []

    def take(self, size: int) -> memoryview:
        """Give room for so many bytes; it is in use until the last view of it is gone."""
        for place, buffer in enumerate(self._buffers):
            if _is_viewed(buffer):
                continue
            if len(buffer) < size:
                buffer = self._buffers[place] = _room(size)  # noqa: PLW2901 - the larger one takes its place
            return memoryview(buffer)[:size]
        buffer = _room(size)
        if len(self._buffers) < _POOLED:
            self._buffers.append(buffer)
        return memoryview(buffer)[:size]


def _is_viewed(buffer: bytearray) -> bool:
    try:
        last = buffer.pop()  # first one byte less: that never moves the bytes
    except BufferError:
        return True
    buffer.append(last)
    return False


def _room(size: int) -> bytearray:
    """Make a buffer that is a quarter larger: the next response rarely has the same size."""
    return bytearray(size * 5 // 4)


class _Frames(asyncio.BufferedProtocol):
    """Receives whole responses.

    Parameters
    ----------
    streams
        What aiokafka receives with; it is still told when the connection is lost, or should pause.
    """

    def __init__(self, streams: asyncio.StreamReaderProtocol) -> None:
        self._streams = streams
        self._pool = BufferPool()
        self._size = bytearray(_SIZE.size)
        self._frame: memoryview | None = None
        self._room = memoryview(self._size)
        self.received: asyncio.Queue[memoryview | Exception] = asyncio.Queue()
        """Responses, and at the end why there are no more."""

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        self._room = self._room[nbytes:]
        if len(self._room) > 0:
            return
        if self._frame is None:
            (size,) = _SIZE.unpack(self._size)
            self._frame = self._room = self._pool.take(size) if size >= _LARGE else memoryview(bytearray(size))
            if size > 0:
                return
        self.received.put_nowait(self._frame)
        self._frame = None
        self._room = memoryview(self._size)

    def pause_writing(self) -> None:
        self._streams.pause_writing()

    def resume_writing(self) -> None:
        self._streams.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._streams.connection_lost(exc)
        self.received.put_nowait(exc or EOFError("the broker closed the connection"))


class _Content:
    """A response to be parsed: what aiokafka reads of a `BytesIO`, but large parts are views."""

    def __init__(self, frame: memoryview) -> None:
        self._frame = frame
        self._at = 0

    def read(self, size: int) -> bytes | memoryview:
        part = self._frame[self._at : self._at + size]
        self._at += len(part)
        return part if size >= _LARGE else bytes(part)


class FrameConnection(AIOKafkaConnection):
    """aiokafka's connection to a broker, which copies no records."""

    def _create_reader_task(self) -> asyncio.Task[None]:
        frames = _Frames(self._protocol)
        self._writer.transport.set_protocol(frames)  # a broker sends nothing before a request, so nothing is lost
        self._received = frames.received
        return super()._create_reader_task()

    @staticmethod
    async def _read(self_ref: Any) -> None:
        """Handle one response after the other; the connection may be garbage collected while this waits."""
        connection = self_ref()
        if connection is None:
            return
        received = connection._received
        del connection
        while True:
            frame = await received.get()
            if isinstance(frame, Exception):
                raise frame
            connection = self_ref()
            if connection is None:
                return
            connection._handle_frame(frame)
            del connection, frame

    def _handle_frame(self, frame: memoryview) -> None:
        correlation_id, request, answer = self._requests[0]
        if getattr(request, "API_KEY", None) == FetchRequest.API_KEY:
            content = _Content(frame)
            if request.parse_response_header(content).correlation_id == correlation_id:
                if not answer.done():
                    answer.set_result(request.RESPONSE_TYPE.decode(content))
                self._last_action = time.monotonic()
                self._requests.popleft()
                return
        super()._handle_frame(bytes(frame))


aiokafka.conn.AIOKafkaConnection = FrameConnection
