"""A worker's logging: what it was told of its parent's, and the way there."""

from __future__ import annotations

__all__ = ["LogsToParent"]

import asyncio
import contextlib
import logging
from collections.abc import Callable

from wool.logs.outlet import Flow, Outlet
from wool.logs.records import ForwardingHandler
from wool.protocol import wire_pb2 as wire
from wool.protocol.control import write

_BUSY = 64 * 1024  # bytes that wait for the parent to read


class LogsToParent:
    """Logs what the parent would: calls to their callers, all else to the parent itself."""

    def __init__(self, described: wire.Logging, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._waiting: asyncio.Task[None] | None = None
        writer.transport.set_write_buffer_limits(high=_BUSY)
        self._outlet = Outlet(Flow(self), self._send)
        logging.disable(described.disabled)
        for name, level in described.levels.items():
            logging.getLogger(name).setLevel(level)
        loop = asyncio.get_running_loop()
        logging.getLogger().addHandler(ForwardingHandler(loop, self._outlet))

    @property
    def is_congested(self) -> bool:
        return self._writer.transport.get_write_buffer_size() > _BUSY

    def when_writable(self, callback: Callable[[], None], /) -> None:
        self._waiting = asyncio.ensure_future(self._call_when_writable(callback))

    def close(self) -> None:
        """Say what was dropped last."""
        self._outlet.tell()
        if self._waiting is not None:
            self._waiting.cancel()

    def _send(self, record: bytes) -> None:
        write(self._writer, wire.FromWorker(log=wire.Log(record=record)))

    async def _call_when_writable(self, callback: Callable[[], None]) -> None:
        with contextlib.suppress(OSError):  # the parent is gone
            await self._writer.drain()
            callback()
