"""Who comes to a worker that is about to end is turned away, so that another may take the call."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from tests.home import Home
from tests.routines import double, refuse_to_end
from wool.fleet.local_workers import LocalWorkers
from wool.protocol.calls import Calls
from wool.protocol.frames import open_frame
from wool.protocol.outcome import Lost, Outcome
from wool.settings import CallSettings, WorkerSettings
from wool.support.secret import Secret
from wool.tasks import Task
from wool.transport.carriers import connect
from wool.transport.joining import authenticate
from wool.transport.link import Link
from wool.types import StartedWorker

pytestmark = pytest.mark.anyio

_SETTINGS = CallSettings(Secret(bytes(32)), max_message_size=2**20, grace=10.0, start_timeout=60.0)


@asynccontextmanager
async def _worker() -> AsyncGenerator[StartedWorker]:
    """Run a worker whose token the test knows."""
    with LocalWorkers() as factory:
        worker = await factory.start(WorkerSettings(_SETTINGS))
        yield worker
        await worker.kill()


async def _call(link: Link, task: Task) -> Outcome | Lost:
    """Say hello on a link that is open, and make a call."""
    await authenticate(link, _SETTINGS.token)
    calls = Calls(link, _SETTINGS.grace)
    link.attach(calls)
    opening, buffers, routine = open_frame(task, link.max_message_size)
    return await calls.open(task, opening, buffers, routine).outcome()


async def test_one_who_says_hello_while_the_worker_stops_is_hung_up_on_and_nothing_is_started(
    home: Home,
) -> None:
    async with _worker() as worker:
        late, early = [
            await connect(worker.metadata.address, _SETTINGS.max_message_size) for _ in range(2)
        ]
        running = asyncio.create_task(_call(early, Task(refuse_to_end.local, (home.path,))))
        assert (await home.hear()).startswith("started")
        stopping = asyncio.create_task(worker.stop(_SETTINGS.grace))
        assert await home.hear() == "ignored"
        with pytest.raises(ConnectionResetError):
            await _call(late, Task(double.local, (1,)))
        home.tell("go")
        await asyncio.wait([stopping, running])
