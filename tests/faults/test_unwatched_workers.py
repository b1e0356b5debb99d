"""Workers of which nobody can tell whether they are stopped: callers judge by who answers."""

import asyncio
import os
import signal
from typing import Any

import pytest

import wool
from tests.routines import pid
from wool.fleet.local_workers import LocalWorkers

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]

_NOTICED = 1.0  # seconds: from then on new calls avoid a worker that does not answer


class Unwatched:
    """A worker as on a system that does not tell which processes are stopped."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker

    def __getattr__(self, name: str) -> Any:
        return getattr(self._worker, name)

    def is_stopped(self) -> bool | None:
        return None


class UnwatchedWorkers(LocalWorkers):
    async def start(self, settings: wool.WorkerSettings, /) -> Any:
        return Unwatched(await super().start(settings))


async def test_where_the_system_does_not_tell_workers_that_do_not_answer_are_avoided() -> None:
    async with wool.WorkerPool(size=2, grace=0.1, worker=UnwatchedWorkers) as pool:
        assert len({await pid() for _ in range(2)}) == 2
        victim, other = [worker.pid for worker in pool.workers.values()]
        os.kill(victim, signal.SIGSTOP)
        try:
            calls = [asyncio.create_task(pid()) for _ in range(2)]
            done, waiting = await asyncio.wait(calls, timeout=_NOTICED + 0.1)
            assert {call.result() for call in done} == {other}
            assert {await pid() for _ in range(6)} == {other}
        finally:
            os.kill(victim, signal.SIGCONT)
        assert {await call for call in waiting} == {victim}
