"""The carrier for workers on this machine: frames on a unix socket, one loop for socket and calls.

On the socket a frame with its length before it is followed by its buffers, whose lengths it gives.
"""

from __future__ import annotations

__all__ = ["UnixLink", "connect"]

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from typing import cast

from google.protobuf.message import DecodeError

from wool.exceptions import ProtocolError
from wool.protocol import wire_pb2 as wire
from wool.protocol.buffers import describe
from wool.protocol.framing import prefixed
from wool.protocol.handshake import HELLO_LIMIT
from wool.support.forks import close_in_forks
from wool.transport.congestion import Congestion
from wool.transport.link import FRAME_OVERHEAD, Accepted, FrameHandler, Link
from wool.transport.outgoing import Outgoing
from wool.transport.reader import FrameReader
from wool.values.serializer import Buffer

_QUIET = 0.001  # seconds without a write, after which a frame goes out at once, whatever may follow
_SOCKET_BUFFER = 4 * 2**20  # bytes; measured to double the rate of large values


class UnixLink(asyncio.BufferedProtocol, Link):
    """One end of a link on a unix socket. `accepted` hears of it as soon as it is connected."""

    def __init__(self, max_message_size: int, accepted: Accepted | None = None) -> None:
        self._accepted = accepted
        self._max_message_size = max_message_size
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._outgoing: Outgoing | None = None
        self._handler: FrameHandler | None = None
        self._queue: list[Buffer] = []
        self._corked = False
        self._written_for, self._written_at = -1, 0.0
        self._congestion = Congestion()
        self._lost = False
        self._finished = False
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
            describe(frame, buffers)
        self._queue.append(prefixed(frame.SerializeToString()))
        self._queue.extend(buffers)
        self.queued += 1
        if self._corked:
            return
        if self.batches != self._written_for or time.monotonic() - self._written_at > _QUIET:
            self._write()
        else:  # more may follow, too: all of it goes out in one write
            self._corked = True
            self._loop.call_soon(self._uncork)

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
        self._finished = True
        self._write()
        if self._transport is not None and self._outgoing is not None:
            self._outgoing.finish(self._queue)
            self._transport.close()

    def _uncork(self) -> None:
        self._corked = False
        if self._queue:
            self._write()

    def _write(self) -> None:
        outgoing, transport = self._outgoing, self._transport
        if outgoing is None or transport is None or transport.is_closing() or outgoing.is_full():
            return
        queue, self._queue = self._queue, []
        self._written_for, self._written_at = self.batches, time.monotonic()
        if outgoing.write(queue):
            self.written = self.queued
        if outgoing.is_full():
            self._congestion.begin()

    def _lose(self, error: Exception | None) -> None:
        if self._lost:
            return
        self._lost = True
        self._error = error
        self._queue.clear()
        if self._outgoing is not None:
            self._outgoing.clear()
        self._congestion.lose()
        if self._handler is not None:
            self._handler.lost(error)

    # What asyncio calls:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._outgoing = Outgoing(self._transport)
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
        self._transport = None  # asyncio's raises if it is aborted once more
        self._keep_in_forks()
        self._lose(exc)
        self._reader.close()
        self._gone.set()
        for callback in self._when_gone:
            callback()

    def pause_writing(self) -> None:
        if self._outgoing is not None:
            self._outgoing.pause()
        self._congestion.begin()

    def resume_writing(self) -> None:
        if self._outgoing is None or self._lost:
            return
        self._outgoing.resume()
        if self._queue:
            self._write()
        if not self._outgoing.is_full():
            self._congestion.end()

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._reader.get_buffer()

    def buffer_updated(self, nbytes: int) -> None:
        self.batches += 1
        corked, self._corked = self._corked, True
        try:
            for frame, buffers in self._reader.read(nbytes):
                if self._handler is not None and not self._lost and not self._finished:
                    self._handler.received(frame, buffers)
        except (ProtocolError, DecodeError) as error:
            self.abort(ProtocolError(f"the link was closed: {error}"))
        self._corked = corked
        if self._queue and not corked:  # the answers to all that ended at once, in one write
            self._write()


async def connect(path: str, max_message_size: int) -> UnixLink:
    """Open a link to whoever listens at `path`. Raises OSError."""
    loop = asyncio.get_running_loop()
    _, link = await loop.create_unix_connection(lambda: UnixLink(max_message_size), path)
    return link
