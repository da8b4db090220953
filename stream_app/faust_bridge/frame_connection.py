"""Kafka's answers from the socket straight into the memory that their records are read in.

aiokafka's own way copies each answer three times while it holds the interpreter: into the stream's buffer, out of it,
and once more for each partition. That was half of what fetching cost, and while it lasted no other thread ran Python.
"""

import asyncio
import struct
import sys
import time
from typing import Any, Final

import numpy as np
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.fetch import FetchRequest
from numpy.typing import NDArray

_SIZE: Final = struct.Struct(">i")
"""Before each answer (Kafka protocol, common request and response structure)."""

_LARGE: Final = 64 * 1024
"""From this size on bytes are not copied. No text of the protocol is so long, so texts are always copied."""

_KEPT: Final = 4
"""Buffers: one that is written to, one whose batches wait, and two at work."""

_ONLY_OURS: Final = 3
"""References that `sys.getrefcount` counts where there is no view: the list's, the variable's and its own."""


class _Buffers:
    """Memory for large answers, used again once nothing looks into it.

    Pages that the system gives anew cost ten times what it costs to write into those that are there.
    """

    def __init__(self) -> None:
        self._buffers: list[NDArray[np.uint8]] = []

    def take(self, size: int) -> memoryview:
        """Give room for so many bytes; it is in use until the last view of it is gone."""
        for place in range(len(self._buffers)):
            buffer = self._buffers[place]
            if sys.getrefcount(buffer) == _ONLY_OURS:
                if buffer.size < size:
                    buffer = self._buffers[place] = _room(size)
                return buffer.data[:size]
        buffer = _room(size)
        if len(self._buffers) < _KEPT:
            self._buffers.append(buffer)
        return buffer.data[:size]


def _room(size: int) -> NDArray[np.uint8]:
    """Make a buffer that is a quarter larger: the next answer rarely has the same size."""
    return np.empty(size * 5 // 4, np.uint8)


class _Frames(asyncio.BufferedProtocol):
    """Receives whole answers.

    Parameters
    ----------
    streams
        What aiokafka receives with; it is still told when the connection is lost, or should pause.
    """

    def __init__(self, streams: asyncio.StreamReaderProtocol) -> None:
        self._streams = streams
        self._buffers = _Buffers()
        self._size = bytearray(_SIZE.size)
        self._frame: memoryview | None = None
        self._room = memoryview(self._size)
        self.received: asyncio.Queue[memoryview | Exception] = asyncio.Queue()
        """Answers, and at the end why there are no more."""

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        self._room = self._room[nbytes:]
        if len(self._room) > 0:
            return
        if self._frame is None:
            (size,) = _SIZE.unpack(self._size)
            self._frame = self._room = self._buffers.take(size) if size >= _LARGE else memoryview(bytearray(size))
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
    """An answer to be taken apart: what aiokafka reads of a `BytesIO`, but large parts are views."""

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
        self._writer.transport.set_protocol(frames)  # a broker says nothing before it is asked, so nothing is lost
        self._received = frames.received
        return super()._create_reader_task()

    @staticmethod
    async def _read(self_ref: Any) -> None:
        """Handle one answer after the other; the connection may be let go while this waits."""
        connection = self_ref()
        if connection is None:
            return
        received = connection._received  # noqa: SLF001
        del connection
        while True:
            frame = await received.get()
            if isinstance(frame, Exception):
                raise frame
            connection = self_ref()
            if connection is None:
                return
            connection._handle_frame(frame)  # noqa: SLF001
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
