"""Who connects to a worker and does not say hello in time is hung up on, and holds nothing up."""

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

import wool
from tests.faults.until import until
from tests.home import Home
from tests.memory import MIB, peak_memory
from tests.routines import block, double, pid
from tests.sockets import path_of
from wool.protocol import wire_pb2 as wire
from wool.protocol.framing import prefixed

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]

SOONER = 2.0  # seconds: no limit is as short as that
OVER = 6.0  # seconds: the limit is less
LATER = 30.0  # seconds: the limit is well below

WRONG_HELLO = prefixed(wire.Frame(hello=wire.Hello(token=bytes(32))).SerializeToString())
HALF_A_HELLO = WRONG_HELLO[:20]


@wool.routine
async def ticks() -> AsyncGenerator[int]:
    while True:
        yield os.getpid()


@contextmanager
def _connected(path: Path, say: bytes = b"") -> Generator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(path))
        line.sendall(say)
        line.setblocking(False)
        yield line


async def _hung_up(line: socket.socket) -> None:
    """Wait for the socket's end."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionResetError):
        assert await loop.sock_recv(line, 1) == b""


async def _drip(line: socket.socket) -> None:
    """Say a hello that never ends, a byte at a time."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await loop.sock_sendall(line, b"\xff\x00\x00\x00")
        while True:
            await loop.sock_sendall(line, b"x")
            await asyncio.sleep(0.5)


def _path(pool: wool.WorkerPool) -> Path:
    return path_of(next(iter(pool.workers.values())))


async def test_who_says_no_whole_hello_is_hung_up_on_after_some_seconds() -> None:
    async with wool.WorkerPool(size=1) as pool:
        path = _path(pool)
        with (
            _connected(path) as silent,
            _connected(path, HALF_A_HELLO) as halting,
            _connected(path) as slow,
        ):
            began = time.monotonic()
            async with asyncio.timeout(LATER):
                await asyncio.gather(_hung_up(silent), _hung_up(halting), _drip(slow))
            assert time.monotonic() - began > SOONER
        assert await double(1) == 2


async def test_a_caller_that_said_hello_may_be_silent_for_longer() -> None:
    async with wool.WorkerPool(size=1) as pool:
        items = ticks()
        worker = await anext(items)
        with _connected(_path(pool)) as silent:
            async with asyncio.timeout(LATER):
                await _hung_up(silent)
        assert await anext(items) == worker
        await items.aclose()


async def test_a_hello_that_came_while_a_routine_blocked_the_worker_is_read(home: Home) -> None:
    async with wool.WorkerPool(size=1) as pool:
        with _connected(_path(pool)) as line:
            assert [await double(n) for n in range(3)] == [0, 2, 4]
            blocking = asyncio.create_task(block(home.path, OVER))
            await home.hear()
            line.sendall(WRONG_HELLO)
            await blocking
            answer = await asyncio.get_running_loop().sock_recv(line, 1_000)
        assert b"the token is wrong" in answer


async def test_a_worker_that_is_replaced_does_not_wait_for_who_says_nothing() -> None:
    async with wool.WorkerPool(size=1, max_tasks_per_worker=1) as pool:
        with _connected(_path(pool)) as silent:
            worker = await pid()
            async with asyncio.timeout(SOONER):
                await _hung_up(silent)
            await until(lambda: pool.stats().restarted == 1)
            assert await pid() != worker


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read in /proc")
async def test_five_hundred_silent_connections_cost_callers_nothing() -> None:
    async with wool.WorkerPool(size=1) as pool:
        before = await peak_memory()
        path = _path(pool)
        with contextlib.ExitStack() as stack:
            for _ in range(10):
                for _ in range(50):
                    stack.enter_context(_connected(path))
                assert await double(1) == 2
            grown = await peak_memory() - before
        assert grown < 10 * MIB
