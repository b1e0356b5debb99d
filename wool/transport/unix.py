"""The carrier for workers on this machine: frames on a unix socket, one loop for socket and calls.

On the socket a frame with its length before it is followed by its buffers, whose lengths it gives.
"""

from __future__ import annotations

__all__ = ["UnixLink", "authenticate", "connect"]

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from typing import cast

from google.protobuf.message import DecodeError

from wool.exceptions import ProtocolError
from wool.protocol import wire_pb2 as wire
from wool.protocol.frames import FrameHandler
from wool.protocol.framing import prefixed
from wool.protocol.handshake import HELLO_LIMIT, CallerHandshake, hello
from wool.support.forks import close_in_forks
from wool.support.secret import Secret
from wool.transport.link import FRAME_OVERHEAD, Link
from wool.transport.reader import FrameReader
from wool.values.serializer import Buffer

_SOCKET_BUFFER = 4 * 2**20  # bytes; measured to double the rate of large values


class UnixLink(asyncio.BufferedProtocol, Link):
    """One end of a link on a unix socket. While it is open, it is one of `open_links`."""

    def __init__(self, max_message_size: int, open_links: set[UnixLink] | None = None) -> None:
        self._open_links = open_links if open_links is not None else set[UnixLink]()
        self._max_message_size = max_message_size
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._handler: FrameHandler | None = None
        self._queue: list[Buffer] = []
        self._corked = False
        self._writable = asyncio.Event()
        self._writable.set()
        self._when_writable: list[Callable[[], None]] = []
        self._lost = False
        self._error: Exception | None = None
        self._gone = asyncio.Event()
        self._reader = FrameReader(HELLO_LIMIT)
        self.batches = 0
        """How often it was read: what came with one of them came together."""

    @property
    def max_message_size(self) -> int:
        return self._max_message_size

    @property
    def is_congested(self) -> bool:
        return not self._writable.is_set()

    def attach(self, handler: FrameHandler, *, limit: int | None = None) -> None:
        """Hand every frame to `handler` from now on, and take frames of up to `limit` bytes.

        If the link is gone already, the handler is told at once.
        """
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
        if self.is_congested:
            self._when_writable.append(callback)
        else:
            callback()

    async def until_writable(self) -> None:
        await self._writable.wait()

    def abort(self, error: Exception | None = None) -> None:
        if self._transport is not None:
            self._transport.abort()
        self._lose(error)

    async def wait_closed(self) -> None:
        """Wait until the socket is closed, after `abort` or when the other end hung up."""
        await self._gone.wait()

    def finish(self) -> None:
        """Send what is queued, then close."""
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
        self._when_writable.clear()
        self._writable.set()
        if self._handler is not None:
            self._handler.lost(error)

    # What asyncio calls:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._open_links.add(self)
        sock: socket.socket = transport.get_extra_info("socket")
        self._keep_in_forks = close_in_forks(sock.fileno())
        if self._lost:  # it was aborted before
            self._transport.abort()
            return
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)

    def connection_lost(self, exc: Exception | None) -> None:
        self._keep_in_forks()
        self._lose(exc)
        self._open_links.discard(self)
        self._gone.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()
        waiting, self._when_writable = self._when_writable, []
        for callback in waiting:
            callback()

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
    """Open a link to the worker at `path`; `authenticate` comes next. Raises OSError."""
    loop = asyncio.get_running_loop()
    _, link = await loop.create_unix_connection(lambda: UnixLink(max_message_size), path)
    return link


async def authenticate(link: UnixLink, token: Secret) -> wire.Welcome:
    """Say hello and wait for the answer. Raises OSError, AuthenticationError or ProtocolError.

    The link is closed if the answer is no, or if this is cancelled.
    """
    handshake = CallerHandshake()
    link.attach(handshake, limit=HELLO_LIMIT)
    link.send(hello(token))
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(link.abort)
        welcome = await handshake.answer()
        on_failure.pop_all()
    return welcome
