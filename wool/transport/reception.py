"""The worker's end of the handshake: who is let in at its addresses, and who is not."""

from __future__ import annotations

__all__ = ["Reception"]

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from wool.protocol import wire_pb2 as wire
from wool.protocol.handshake import HELLO_LIMIT, WorkerHandshake
from wool.support.secret import Secret
from wool.transport.link import FrameHandler, Link, Listener

_HELLO_TIME = 5.0  # seconds to say hello; a caller that was stopped meanwhile connects again


class Reception:
    """Takes callers in at every listener: each that holds the token may stay.

    `joined` is told of a link and returns what its frames go to. Who has not said hello within
    five seconds, or by the time that nobody is taken in any more, is hung up on.
    """

    def __init__(
        self,
        uid: UUID,
        token: Secret,
        listeners: Sequence[Listener],
        joined: Callable[[Link], FrameHandler],
    ) -> None:
        self._uid = uid
        self._token = token
        self._listeners = listeners
        self._joined = joined
        self._loop = asyncio.get_running_loop()
        self._links: set[Link] = set()
        self._strangers: dict[Link, asyncio.TimerHandle] = {}

    async def open(self) -> None:
        """Listen from now on. Raises OSError; then nobody is taken in anywhere."""
        try:
            for listener in self._listeners:
                await listener.open(self._accept)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Take nobody in any more. Links stay as they are. To repeat it is harmless."""
        for listener in self._listeners:
            listener.close()
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

    def _accept(self, link: Link) -> None:
        self._links.add(link)
        link.when_closed(partial(self._links.discard, link))
        self._strangers[link] = self._loop.call_later(_HELLO_TIME, self._expire, link)
        handshake = WorkerHandshake(
            self._uid,
            self._token,
            admit=partial(self._admit, link),
            refuse=partial(_refuse, link),
            left=partial(self._forget_stranger, link),
        )
        link.attach(handshake, limit=HELLO_LIMIT)

    def _admit(self, link: Link, welcome: wire.Frame) -> None:
        self._forget_stranger(link)
        link.send(welcome)
        link.attach(self._joined(link))

    def _expire(self, stranger: Link) -> None:
        # Where a routine blocked the loop, the hello may lie unread: look at the links before.
        self._loop.call_soon(self._loop.call_soon, self._turn_away, stranger)

    def _turn_away(self, stranger: Link) -> None:
        if stranger in self._strangers:
            stranger.abort()

    def _forget_stranger(self, link: Link) -> None:
        self._strangers.pop(link).cancel()


def _refuse(link: Link, reject: wire.Frame) -> None:
    link.send(reject)
    link.finish()
