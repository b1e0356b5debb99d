"""The carrier for workers on this machine: frames on a unix socket, one loop for socket and calls.

On the socket a frame with its length before it is followed by its buffers, whose lengths it gives.
"""

from __future__ import annotations

__all__ = ["UnixLink", "connect"]

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import cast

from google.protobuf.message import DecodeError

from wool.exceptions import ProtocolError
from wool.protocol import wire_pb2 as wire
from wool.protocol.framing import prefixed
from wool.protocol.handshake import HELLO_LIMIT
from wool.support.forks import close_in_forks
from wool.transport.congestion import Congestion
from wool.transport.link import FRAME_OVERHEAD, Accepted, FrameHandler, Link
from wool.transport.reader import FrameReader
from wool.values.serializer import Buffer

_SOCKET_BUFFER = 4 * 2**20  # bytes; measured to double the rate of large values


class UnixLink(asyncio.BufferedProtocol, Link):
    """One end of a link on a unix socket. `accepted` hears of it as soon as it is connected."""

    def __init__(self, max_message_size: int, accepted: Accepted | None = None) -> None:
        self._accepted = accepted
        self._max_message_size = max_message_size
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._handler: FrameHandler | None = None
        self._queue: list[Buffer] = []
        self._corked = False
        self._congestion = Congestion()
        self._lost = False
        self._error: Exception | None = None
        self._gone = asyncio.Event()
        self._when_gone: list[Callable[[], None]] = []
        self._reader = FrameReader(HELLO_LIMIT)

    @property
    def max_message_size(self) -> int:
        return self._max_message_size

    @property
    def is_congested(self) -> bool:
        return self._congestion.lasts

    def attach(self, handler: FrameHandler, *, limit: int | None = None) -> None:
        self._handler = handler
        self._reader.limit = self._max_message_size + FRAME_OVERHEAD if limit is None else limit
        if self._lost:
            handler.lost(self._error)

    def send(self, frame: wire.Frame, buffers: Sequence[Buffer] = ()) -> None:
        if self._lost:
            return
        if buffers:
            del frame.buffers[:]  # it may have gone to another worker before
            frame.buffers.extend(len(buffer) for buffer in buffers)
        self._queue.append(prefixed(frame.SerializeToString()))
        self._queue.extend(buffers)
        if not self._corked:
            # The first frame of a turn goes out at once, and those that follow it in one write.
            self._write()
            self._cork()

    def flush(self) -> None:
        self._write()

    def when_writable(self, callback: Callable[[], None], /) -> None:
        self._congestion.when_over(callback)

    async def until_writable(self) -> None:
        await self._congestion.until_over()

    def abort(self, error: Exception | None = None) -> None:
        if self._transport is not None:
            self._transport.abort()
        self._lose(error)

    async def wait_closed(self) -> None:
        await self._gone.wait()

    def when_closed(self, callback: Callable[[], None], /) -> None:
        if self._gone.is_set():
            callback()
        else:
            self._when_gone.append(callback)

    def finish(self) -> None:
        self._write()
        if self._transport is not None:
            self._transport.close()

    def _cork(self) -> None:
        """Keep what is sent until the loop's next turn."""
        self._corked = True
        self._loop.call_soon(self._uncork)

    def _uncork(self) -> None:
        self._corked = False
        if self._queue:
            self._write()

    def _write(self) -> None:
        queue, self._queue = self._queue, []
        if self._transport is None or self._lost or self._transport.is_closing():
            return
        small: list[Buffer] = []
        for chunk in queue:
            if isinstance(chunk, bytes):
                small.append(chunk)
            else:
                self._transport.write(b"".join(small))
                self._transport.write(chunk)
                small = []
        if small:
            self._transport.write(b"".join(small))

    def _lose(self, error: Exception | None) -> None:
        if self._lost:
            return
        self._lost = True
        self._error = error
        self._queue.clear()
        self._congestion.lose()
        if self._handler is not None:
            self._handler.lost(error)

    # What asyncio calls:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        sock: socket.socket = transport.get_extra_info("socket")
        self._keep_in_forks = close_in_forks(sock.fileno())
        if self._lost:  # it was aborted before
            self._transport.abort()
            return
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
        if self._accepted is not None:
            self._accepted(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._keep_in_forks()
        self._lose(exc)
        self._gone.set()
        for callback in self._when_gone:
            callback()

    def pause_writing(self) -> None:
        self._congestion.begin()

    def resume_writing(self) -> None:
        self._congestion.end()

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._reader.get_buffer()

    def buffer_updated(self, nbytes: int) -> None:
        self.batches += 1
        corked, self._corked = self._corked, True
        try:
            for frame, buffers in self._reader.read(nbytes):
                if self._handler is not None and not self._lost:
                    self._handler.received(frame, buffers)
        except (ProtocolError, DecodeError) as error:
            self.abort(ProtocolError(f"the link was closed: {error}"))
        self._corked = corked
        if self._queue and not corked:  # the answers to all that ended at once, in one write
            self._write()
            self._cork()


async def connect(path: str, max_message_size: int) -> UnixLink:
    """Open a link to whoever listens at `path`. Raises OSError."""
    loop = asyncio.get_running_loop()
    _, link = await loop.create_unix_connection(lambda: UnixLink(max_message_size), path)
    return link
