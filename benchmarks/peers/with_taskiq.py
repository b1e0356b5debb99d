"""taskiq, with a real Redis between the caller and the workers."""

from __future__ import annotations

__all__ = ["open_peer"]

import asyncio
import os
import sys
import tempfile
from asyncio.subprocess import DEVNULL
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.peers.adapter import Peer, imported

_POLL = 0.001  # seconds between two looks for a result; with taskiq's own 0.2 nothing else is seen
_PATIENCE = 20.0  # seconds
_WORKERS = ("-m", "taskiq", "worker", "benchmarks.peers.taskiq_broker:broker")


@asynccontextmanager
async def open_peer(workers: int) -> AsyncGenerator[Peer]:
    """Start a Redis and so many workers."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "redis"
        redis = ("--port", "0", "--unixsocket", str(path), "--save", "", "--dir", directory)
        async with _program("redis-server", *redis):
            await _until_there(path)
            tasks = _tasks(f"unix://{path}")
            async with _program(sys.executable, *_WORKERS, "--workers", str(workers)):
                await tasks.broker.startup()
                yield Peer(lambda: _result(tasks.noop.kiq()), partial(_echo, tasks))
                await tasks.broker.shutdown()


def _tasks(url: str) -> Any:
    os.environ["BENCH_REDIS"] = url  # for the workers, too
    return imported("benchmarks.peers.taskiq_broker")


async def _echo(tasks: Any, value: bytes) -> bytes:
    """Send bytes as text, since messages are JSON."""
    return b64decode(await _result(tasks.echo.kiq(b64encode(value).decode())))


async def _result(sent: Any) -> Any:
    answer = await (await sent).wait_result(check_interval=_POLL, timeout=_PATIENCE)
    answer.raise_for_error()
    return answer.return_value


async def _until_there(path: Path) -> None:
    async with asyncio.timeout(_PATIENCE):
        while not path.exists():  # noqa: ASYNC110, ASYNC240 - another program makes it
            await asyncio.sleep(0.01)


@asynccontextmanager
async def _program(*command: str) -> AsyncGenerator[None]:
    running = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)
    try:
        yield
    finally:
        running.terminate()
        await running.wait()
