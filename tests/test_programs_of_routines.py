"""Routines run programs, and libraries that start processes."""

import signal
from pathlib import Path

import pytest

import wool
from tests import program_routines as routines
from tests.faults.programs import emptied

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


async def test_a_program_runs_beside_the_loop(pool: wool.WorkerPool) -> None:
    assert await routines.output_of("echo", "hello") == "hello\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_a_program_ends_by_the_signal_it_is_sent(
    pool: wool.WorkerPool, number: signal.Signals
) -> None:
    assert await routines.ended_by(number) == [-number, -number]


async def test_a_program_may_take_only_so_long(pool: wool.WorkerPool) -> None:
    assert await routines.output_before_a_timeout("sleep", "60") == b"timeout"
    assert await routines.output_before_a_timeout("echo", "hello") == b"hello\n"


async def test_a_shell_tells_its_exit_status(pool: wool.WorkerPool) -> None:
    assert await routines.exit_status_of("exit 7") == 7


async def test_a_program_finds_nothing_on_its_standard_input(pool: wool.WorkerPool) -> None:
    assert await routines.what_is_read_from_stdin() == ""


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
async def test_joblib_computes_in_processes_and_cleans_up_with_the_worker(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path))
    async with wool.WorkerPool(size=1):
        for _ in range(2):
            assert await routines.cubes(backend) == [0, 1, 8, 27, 64]
    assert emptied(tmp_path, within=0)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
async def test_long_lived_processes_load_items_and_end(pool: wool.WorkerPool, method: str) -> None:
    assert await routines.loaded(method, 20) == ([n * 10 for n in range(20)], [True, True])
