"""Where callers within one process connect: a name."""

from __future__ import annotations

__all__ = ["MemoryListener", "connect"]

import errno
from functools import partial

from wool.support.forks import forks
from wool.transport.link import Accepted, Listener
from wool.transport.memory import MemoryLink, Turns
from wool.transport.pipe import Pipe


class MemoryListener(Listener):
    """Listens under a name, which it has in this process for itself while it is open."""

    def __init__(self, address: str, name: str, max_message_size: int) -> None:
        self._address = address
        self._name = name
        self._max_message_size = max_message_size
        self._accepted: Accepted | None = None
        self._forks = forks.count

    @property
    def address(self) -> str:
        return self._address

    async def open(self, accepted: Accepted) -> None:
        self._turns = Turns()
        self._accepted = accepted
        if _listeners.setdefault(self._name, self) is not self:
            raise OSError(errno.EADDRINUSE, "somebody listens already at", self._address)

    def close(self) -> None:
        self._accepted = None
        if _listeners.get(self._name) is self:
            del _listeners[self._name]

    def take_in(self, max_message_size: int) -> MemoryLink:
        """Return the caller's end of a link of which the other is handed on. Raises OSError."""
        there, back = Pipe(), Pipe()
        near = MemoryLink(Turns(), max_message_size, back, there)
        far = MemoryLink(self._turns, self._max_message_size, there, back)
        if self._forks != forks.count or not self._turns.add(partial(self._hand_on, far)):
            self.close()  # its loop is closed, or runs in the process that this one was forked from
            raise _refused(self._address)
        return near

    def _hand_on(self, link: MemoryLink) -> None:
        if self._accepted is None:
            link.abort()
        else:
            self._accepted(link)


_listeners: dict[str, MemoryListener] = {}


async def connect(address: str, name: str, max_message_size: int) -> MemoryLink:
    """Open a link to whoever listens under `name` in this process. Raises OSError."""
    listener = _listeners.get(name)
    if listener is None:
        raise _refused(address)
    return listener.take_in(max_message_size)


def _refused(address: str) -> ConnectionRefusedError:
    return ConnectionRefusedError(errno.ECONNREFUSED, "nobody listens in this process at", address)
