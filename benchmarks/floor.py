"""What nothing can be faster than: an echo by a bare asyncio protocol in another process.

`python -m benchmarks.floor DESCRIPTOR LOOP` is its other end.
"""

from __future__ import annotations

__all__ = ["open_floor"]

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

from benchmarks.loops import LoopName, run
from benchmarks.measure import Call

_MESSAGE = bytes(300)  # about what a call is


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.closed = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.closed.set_result(None)


class _Caller(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()

    async def call(self) -> None:
        self._answered = self._loop.create_future()
        self._transport.write(_MESSAGE)
        await self._answered

    def data_received(self, data: bytes) -> None:
        self._answered.set_result(data)


@asynccontextmanager
async def open_floor(loop_name: LoopName) -> AsyncGenerator[Call]:
    """Start the other process, and give what sends it a message and waits for the same again."""
    ours, theirs = socket.socketpair()
    with theirs:
        other = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "benchmarks.floor", str(theirs.fileno()), loop_name),
            pass_fds=[theirs.fileno()],
        )
    loop = asyncio.get_running_loop()
    transport, caller = await loop.create_connection(_Caller, sock=ours)
    try:
        yield caller.call
    finally:
        transport.close()
        await other.wait()


async def _answer(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    sock = socket.socket(fileno=descriptor)
    _, echo = await loop.create_connection(_Echo, sock=sock)
    await echo.closed


if __name__ == "__main__":
    run(_answer(int(sys.argv[1])), "uvloop" if sys.argv[2] == "uvloop" else "asyncio")
