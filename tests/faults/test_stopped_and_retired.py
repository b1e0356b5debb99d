"""A worker that was replaced, and is stopped before its last call has ended."""

import asyncio
import os
import signal
import sys

import pytest

import wool
from tests.home import Home
from tests.routines import pid, wait

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.both_loops,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who is stopped"),
]


async def test_its_last_call_fails_after_the_stall_timeout(home: Home) -> None:
    async with wool.WorkerPool(size=1, max_tasks_per_worker=2, stall_timeout=0.5) as pool:
        (first,) = pool.workers.values()
        call = asyncio.create_task(wait(home.path))
        await home.hear()
        while first.uid in pool.workers:
            await pid()
        os.kill(first.pid, signal.SIGSTOP)
        with pytest.raises(wool.WorkerStalled):
            await asyncio.wait_for(call, 10)
        os.kill(first.pid, signal.SIGCONT)
        assert await home.hear() == "cancelled"
