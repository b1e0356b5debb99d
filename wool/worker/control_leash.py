"""The leash of a worker that is a process of its own: the control channel to its parent."""

from __future__ import annotations

__all__ = ["ControlLeash"]

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any, Self

from wool.protocol import wire_pb2 as wire
from wool.protocol.control import read_to_worker, write
from wool.protocol.peers import read_peers
from wool.worker.ending import ORPHANED, end_at_once
from wool.worker.leash import Led


class ControlLeash:
    """A control channel, opened by `open`. The process ends at once if its parent is gone.

    `before_ready` is called before the parent hears that the worker is ready.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        before_ready: Callable[[], None],
    ) -> None:
        self._reader = reader
        self._before_ready = before_ready
        self.writer = writer
        """For what else the parent is to hear."""

    @classmethod
    async def open(cls, control: socket.socket, before_ready: Callable[[], None]) -> Self:
        """Take over a socket that is connected to the parent."""
        reader, writer = await asyncio.open_connection(sock=control)
        return cls(reader, writer, before_ready)

    async def follow(self, worker: Led, /) -> float:
        while True:
            try:
                message = await read_to_worker(self._reader)
            except (EOFError, OSError):
                end_at_once(ORPHANED)
            if message.HasField("stop"):
                return message.stop.grace
            if message.HasField("peers"):
                worker.update(read_peers(message.peers))
            elif message.HasField("retire"):
                worker.retire()
            elif message.HasField("extend"):
                worker.extend()

    def ready(self) -> None:
        self._before_ready()
        self._tell(ready=wire.Ready())

    def due(self) -> None:
        self._tell(due=wire.Due())

    def extended(self) -> None:
        self._tell(extended=wire.Extended())

    def drained(self) -> None:
        self._tell(drained=wire.Drained())

    async def aclose(self) -> None:
        """Hang up, when all that was said has gone out."""
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    def _tell(self, **kind: Any) -> None:
        write(self.writer, wire.FromWorker(**kind))
