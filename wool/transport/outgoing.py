"""What is written to a socket's transport: many small parts at once, a large one piece by piece."""

from __future__ import annotations

__all__ = ["Outgoing"]

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence

from wool.values.serializer import Buffer

_PIECE = 1024 * 1024  # bytes


class Outgoing:
    """Writes in order, and no more of a large buffer than the transport takes.

    Nothing is to be written while it is full.

    A transport copies what it can't send at once, and goes through all of that with each write.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiting: deque[Buffer] = deque()
        self._paused = False

    def is_full(self) -> bool:
        """Tell whether more had better wait."""
        return self._paused or bool(self._waiting)

    def write(self, parts: Sequence[Buffer]) -> None:
        """Write what can be written, and keep the rest for later."""
        if len(parts) == 1 and len(parts[0]) < _PIECE:
            self._transport.write(parts[0])
            return
        small: list[bytes] = []
        for part in parts:
            if isinstance(part, bytes) and len(part) < _PIECE:
                small.append(part)
            else:
                self._waiting.append(b"".join(small))
                self._waiting += _pieces(part)
                small = []
        if self._waiting:
            self._waiting.append(b"".join(small))
            self._go_on()
        elif small:
            self._transport.write(b"".join(small))

    def pause(self) -> None:
        """Keep what is written: the transport has enough."""
        self._paused = True

    def resume(self) -> None:
        """Go on: the transport has room."""
        self._paused = False
        self._go_on()

    def finish(self, parts: Iterable[Buffer]) -> None:
        """Hand all that is left to the transport, and then `parts`."""
        for part in (*self._waiting, *parts):
            self._transport.write(part)
        self._waiting.clear()

    def clear(self) -> None:
        """Drop what is left."""
        self._waiting.clear()

    def _go_on(self) -> None:
        while self._waiting and not self._paused:
            self._transport.write(self._waiting.popleft())


def _pieces(part: Buffer) -> Iterable[memoryview]:
    view = memoryview(part)
    return (view[at : at + _PIECE] for at in range(0, len(view), _PIECE))
