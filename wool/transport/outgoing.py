"""What is written to a socket: many small parts at once, a large one piece by piece."""

from __future__ import annotations

__all__ = ["Outgoing"]

import asyncio
import os
import socket
from collections import deque
from collections.abc import Iterable, Sequence

from wool.values.serializer import Buffer

_PIECE = 1024 * 1024  # bytes


class Outgoing:
    """Writes in order, and no more of a large buffer than the socket takes.

    A transport copies what it can't send at once, and goes through all of that with each write;
    and it does not say what became of a write. While it has nothing of its own to send, what is
    small goes to the socket by itself. Nothing is to be written while this is full.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        sock: socket.socket = transport.get_extra_info("socket")
        self._descriptor = sock.fileno()
        self._transport = transport
        self._waiting: deque[Buffer] = deque()
        self._paused = False
        self._is_lent = False  # the transport may have something to send

    def is_full(self) -> bool:
        """Tell whether more had better wait."""
        return self._paused or bool(self._waiting)

    def write(self, parts: Sequence[Buffer]) -> bool:
        """Write what can be written, and keep the rest for later.

        Tell whether any of it can have left: not if the other end is gone. The transport is open.
        """
        small: list[Buffer] = []
        for part in parts:
            if isinstance(part, bytes) and len(part) < _PIECE:
                small.append(part)
            else:
                self._waiting.append(b"".join(small))
                self._waiting += _pieces(part)
                small = []
        if not self._waiting:
            return self._write_small(small[0] if len(small) == 1 else b"".join(small))
        self._waiting.append(b"".join(small))
        self._go_on()
        return True

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

    def _write_small(self, data: Buffer) -> bool:
        if self._is_lent and self._transport.get_write_buffer_size():
            self._transport.write(data)
            return True
        self._is_lent = False
        try:
            written = os.write(self._descriptor, data)
        except (BrokenPipeError, ConnectionResetError):
            return False  # the transport reads what was sent before, and the end
        except OSError:  # it would block; any other error the transport meets, too
            written = 0
        if written < len(data):
            self._is_lent = True
            self._transport.write(memoryview(data)[written:])
        return True

    def _go_on(self) -> None:
        self._is_lent = True
        while self._waiting and not self._paused:
            self._transport.write(self._waiting.popleft())


def _pieces(part: Buffer) -> Iterable[memoryview]:
    view = memoryview(part)
    return (view[at : at + _PIECE] for at in range(0, len(view), _PIECE))
