"""The worker's end of the unix carrier: who is let in at the socket's path, and who is not."""

from __future__ import annotations

__all__ = ["UnixListener"]

import asyncio
import contextlib
from collections.abc import Callable
from uuid import UUID

from wool.protocol import wire_pb2 as wire
from wool.protocol.frames import FrameHandler
from wool.protocol.handshake import HELLO_LIMIT, WorkerHandshake
from wool.support.forks import close_in_forks
from wool.support.secret import Secret
from wool.transport.unix import UnixLink

_HELLO_TIME = 5.0  # seconds; callers say hello at once, and one that was stopped comes again


class UnixListener:
    """Takes callers in at a path: each that holds the token becomes a link.

    `joined` is told of a link and returns what its frames go to. Who has not said hello within
    five seconds, or by the time that nobody is taken in any more, is hung up on.
    """

    def __init__(
        self,
        uid: UUID,
        token: Secret,
        max_message_size: int,
        joined: Callable[[UnixLink], FrameHandler],
    ) -> None:
        self._uid = uid
        self._token = token
        self._max_message_size = max_message_size
        self._joined = joined
        self._loop = asyncio.get_running_loop()
        self._links: set[UnixLink] = set()
        self._strangers: dict[UnixLink, asyncio.TimerHandle] = {}
        self._server: asyncio.Server | None = None
        self._closed = False
        self._keep_in_forks = contextlib.ExitStack()

    async def open(self, path: str) -> None:
        """Listen from now on. Raises OSError."""
        self._server = await self._loop.create_unix_server(self._accept, path)
        for sock in self._server.sockets:
            self._keep_in_forks.callback(close_in_forks(sock.fileno()))

    def close(self) -> None:
        """Take nobody in any more. Links stay as they are."""
        self._closed = True
        self._keep_in_forks.close()
        if self._server is not None:
            self._server.close()
        for stranger in list(self._strangers):
            stranger.abort()

    async def until_alone(self) -> None:
        """Wait until every caller has hung up. Strangers are none."""
        while callers := self._links - self._strangers.keys():
            await callers.pop().wait_closed()

    async def aclose(self) -> None:
        """Close every link, and wait until it is closed. To repeat it is harmless."""
        self.close()
        for link in list(self._links):
            link.abort()
            await link.wait_closed()

    def _accept(self) -> UnixLink:
        link = UnixLink(self._max_message_size, self._links)

        def admit(welcome: wire.Frame) -> None:
            self._forget_stranger(link)
            link.send(welcome)
            link.attach(self._joined(link))

        def refuse(reject: wire.Frame) -> None:
            link.send(reject)
            link.finish()

        def left() -> None:
            self._forget_stranger(link)

        self._strangers[link] = self._loop.call_later(_HELLO_TIME, self._expire, link)
        handshake = WorkerHandshake(self._uid, self._token, admit, refuse, left)
        link.attach(handshake, limit=HELLO_LIMIT)
        if self._closed:  # the loop had taken the connection by then
            link.abort()
        return link

    def _expire(self, stranger: UnixLink) -> None:
        # Where a routine blocked the loop, the hello may lie unread: look at the sockets before.
        self._loop.call_soon(self._loop.call_soon, self._turn_away, stranger)

    def _turn_away(self, stranger: UnixLink) -> None:
        if stranger in self._strangers:
            stranger.abort()

    def _forget_stranger(self, link: UnixLink) -> None:
        self._strangers.pop(link).cancel()
