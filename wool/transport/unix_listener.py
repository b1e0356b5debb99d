"""Where callers of the unix carrier connect: a path."""

from __future__ import annotations

__all__ = ["UnixListener"]

import asyncio
import contextlib

from wool.support.forks import close_in_forks
from wool.transport.link import Accepted, Link, Listener
from wool.transport.unix import UnixLink


class UnixListener(Listener):
    """Listens at a path, on the loop on which it is opened."""

    def __init__(self, address: str, path: str, max_message_size: int) -> None:
        self._address = address
        self._path = path
        self._max_message_size = max_message_size
        self._accepted: Accepted | None = None
        self._server: asyncio.Server | None = None
        self._keep_in_forks = contextlib.ExitStack()

    @property
    def address(self) -> str:
        return self._address

    async def open(self, accepted: Accepted) -> None:
        self._accepted = accepted
        self._server = await asyncio.get_running_loop().create_unix_server(
            lambda: UnixLink(self._max_message_size, self._hand_on), self._path
        )
        for sock in self._server.sockets:
            self._keep_in_forks.callback(close_in_forks(sock.fileno()))

    def close(self) -> None:
        self._accepted = None
        server, self._server = self._server, None
        if server is not None:
            # Not now: a connection that asyncio has taken in this very turn would be left open.
            server.get_loop().call_soon(self._stop, server)

    def _stop(self, server: asyncio.Server) -> None:
        self._keep_in_forks.close()
        server.close()

    def _hand_on(self, link: Link) -> None:
        if self._accepted is None:
            link.abort()
        else:
            self._accepted(link)
