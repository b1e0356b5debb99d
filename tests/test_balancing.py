"""Who gets a call."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence

import pytest

import wool
from tests.home import Home
from tests.routines import block, double, pid, wait

pytestmark = pytest.mark.anyio


class LastOnly:
    """Gives every call to the worker that joined last."""

    def __init__(self) -> None:
        self.tasks: list[str] = []

    def choose(
        self, task: wool.Task, workers: Sequence[wool.WorkerLike]
    ) -> Iterable[wool.WorkerLike]:
        self.tasks.append(task.name)
        return [workers[-1]]


async def test_by_default_each_worker_has_its_turn() -> None:
    async with wool.WorkerPool(size=3):
        pids = [await pid() for _ in range(9)]
    assert set(Counter(pids).values()) == {3}


async def test_least_busy_gives_each_call_to_the_worker_with_the_fewest(home: Home) -> None:
    async with wool.WorkerPool(size=2, loadbalancer=wool.LeastBusyLoadBalancer):
        busy = asyncio.create_task(wait(home.path))
        assert await home.hear() == "started"
        assert len({await pid() for _ in range(6)}) == 1
        busy.cancel()
        await asyncio.wait([busy])


async def test_a_blocked_worker_gets_no_calls_while_others_are_free(home: Home) -> None:
    async with wool.WorkerPool(size=2, loadbalancer=wool.LeastBusyLoadBalancer()):
        await asyncio.gather(*(pid() for _ in range(4)))
        blocking = asyncio.create_task(block(home.path, 2.0))
        await home.hear()
        await asyncio.sleep(0.03)  # as long as it takes to tell a blocked worker from a busy one
        started = time.monotonic()
        results = await asyncio.gather(*(double(n) for n in range(200)))
        assert results == [2 * n for n in range(200)]
        assert time.monotonic() - started < 1.5, "some waited for the blocked worker"
        await blocking


async def test_users_may_bring_a_balancer_of_their_own() -> None:
    balancer = LastOnly()
    async with wool.WorkerPool(size=2, loadbalancer=balancer) as pool:
        last = list(pool.workers.values())[-1].pid
        assert {await pid() for _ in range(4)} == {last}
    assert balancer.tasks == ["tests.routines.pid"] * 4


async def test_a_balancer_that_chooses_nobody_is_said_to() -> None:
    class Nobody:
        def choose(
            self, task: wool.Task, workers: Sequence[wool.WorkerLike]
        ) -> Iterable[wool.WorkerLike]:
            return []

    async with wool.WorkerPool(size=1, loadbalancer=Nobody):
        with pytest.raises(wool.NoWorkersAvailable, match="chose none of 1"):
            await double(1)


def test_what_is_no_balancer_is_refused() -> None:
    with pytest.raises(TypeError, match="no method choose"):
        wool.WorkerPool(size=1, loadbalancer=object())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
