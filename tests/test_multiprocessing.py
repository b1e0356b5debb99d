"""Routines start processes as plain programs do."""

import pytest

import wool
from tests import forking_routines as forks
from tests import process_routines as routines
from tests.routines import pid

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]

METHODS = ["fork", "spawn", "forkserver"]


@pytest.mark.parametrize(("method", "pools"), [("fork", 40), ("spawn", 2), ("forkserver", 2)])
async def test_pools_open_and_close_one_after_the_other(
    pool: wool.WorkerPool, method: str, pools: int
) -> None:
    assert await routines.squares(method, pools) == [[0, 1, 4]] * pools


@pytest.mark.parametrize("method", METHODS)
async def test_a_pool_is_left_while_its_processes_work(pool: wool.WorkerPool, method: str) -> None:
    assert await routines.leave_pool_with_work(method) < 20


@pytest.mark.parametrize("method", METHODS)
async def test_a_process_is_terminated_whatever_it_does_by_then(
    pool: wool.WorkerPool, method: str
) -> None:
    for _ in range(50 if method == "fork" else 2):
        assert await routines.exit_code_when_terminated(method) == -15


@pytest.mark.parametrize("method", METHODS)
async def test_a_thread_starts_processes_and_terminates_them(
    pool: wool.WorkerPool, method: str
) -> None:
    assert await routines.exit_code_when_terminated_in_a_thread(method) == -15


@pytest.mark.parametrize("method", METHODS)
async def test_a_process_hears_an_interrupt(pool: wool.WorkerPool, method: str) -> None:
    assert await routines.exit_code_when_interrupted(method) == 7


async def test_a_forked_process_keeps_the_handler_of_its_routine(pool: wool.WorkerPool) -> None:
    assert await routines.exit_code_with_own_handler() == 9


async def test_a_forked_process_runs_a_loop(pool: wool.WorkerPool) -> None:
    assert await forks.code_of_a_loop_in_a_fork() == 25


async def test_a_call_in_a_forked_process_is_told_of_the_fork(pool: wool.WorkerPool) -> None:
    assert "forked" in await forks.what_a_call_in_a_fork_raises()
    assert await pid()


async def test_a_forked_process_opens_a_pool_of_its_own(pool: wool.WorkerPool) -> None:
    assert await forks.pid_from_a_pool_in_a_fork() not in (await pid(), await pid())


@pytest.mark.parametrize("method", METHODS)
async def test_an_executor_runs_functions_beside_the_loop(
    pool: wool.WorkerPool, method: str
) -> None:
    assert await routines.executed(method) == [0, 1, 4, 9]


@pytest.mark.parametrize("method", METHODS)
async def test_an_executor_tells_that_its_process_died(pool: wool.WorkerPool, method: str) -> None:
    assert await routines.broken_executor(method) == "BrokenProcessPool"


@pytest.mark.parametrize("method", METHODS)
async def test_processes_share_what_they_are_given(pool: wool.WorkerPool, method: str) -> None:
    assert await routines.shared(method) == [1, 2, 3, 4]
