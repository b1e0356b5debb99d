"""A pool's process is killed: its workers end with it, whatever they do."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.faults.programs import POOL, emptied, started, swept
from tests.faults.promises import promised

pytestmark = [
    pytest.mark.both_loops,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc"),
]

ROUTINES = ["idle", "stay", "ignore", "block", "compute", "hold_the_interpreter"]


@pytest.mark.parametrize("routine", ROUTINES)
def test_nothing_is_left_of_a_program_that_is_killed(routine: str, tmp_path: Path) -> None:
    with started(POOL.replace("ROUTINE", routine).replace("GRACE", "5"), tmp_path) as program:
        program.wait_for("idle" if routine == "idle" else "started")
        program.kill()
        assert not program.left(within=promised(2))
        assert program.process.stderr is not None
        assert program.process.stderr.read() == ""
    assert emptied(tmp_path, within=promised(2))


ALONE = """
async def main():
    async with wool.WorkerPool(size=1) as pool:
        worker = next(iter(pool.workers.values()))
        os.kill(os.getpgid(worker.pid), signal.SIGKILL)
        WHAT
        await asyncio.sleep(60)
asyncio.run(main())
"""
"""Has no janitor any more."""
STOP = 'os.kill(worker.pid, signal.SIGSTOP); say("started")'


@pytest.mark.parametrize("what", [*(f"await {routine}()" for routine in ROUTINES[1:]), STOP])
def test_a_worker_ends_with_a_program_that_is_killed_with_its_janitor(
    what: str, tmp_path: Path
) -> None:
    with started(ALONE.replace("WHAT", what), tmp_path) as program:
        program.wait_for("started")
        program.kill()
        assert not program.left(within=promised(2))


def test_only_the_worker_hangs_on_the_program_and_not_what_it_has_forked(tmp_path: Path) -> None:
    text = """
@wool.routine
async def fork():
    if not (child := os.fork()):
        time.sleep(60); os._exit(0)
    say(child)
    while True: pass
"""
    with started(text + ALONE.replace("WHAT", "await fork()"), tmp_path) as program:
        assert program.process.stdout is not None
        fork = int(program.process.stdout.readline())
        program.kill()
        assert not program.left(within=promised(2), but=fork)
        assert program.left(within=0)
        os.kill(fork, signal.SIGKILL)


def test_a_stopped_worker_ends_with_a_program_that_is_killed(tmp_path: Path) -> None:
    text = """
async def main():
    async with wool.WorkerPool(size=2) as pool:
        os.kill(await pid(), signal.SIGSTOP)
        say("stopped")
        await asyncio.sleep(60)
asyncio.run(main())
"""
    for _ in range(2):  # it is a race between two signals of the system's
        with started(text, tmp_path) as program:
            program.wait_for("stopped")
            program.kill()
            assert not program.left(within=promised(2))
        assert emptied(tmp_path, within=promised(2))


def test_workers_end_with_their_parent_though_a_fork_of_it_lives_on(tmp_path: Path) -> None:
    text = """
async def main():
    async with wool.WorkerPool(size=1):
        if not (fork := os.fork()):
            time.sleep(60); os._exit(0)
        await pid()
        say(fork)
        await asyncio.sleep(60)
asyncio.run(main())
"""
    with started(text, tmp_path) as program:
        assert program.process.stdout is not None
        fork = int(program.process.stdout.readline())
        program.kill()
        assert not program.left(within=promised(2), but=fork)
        os.kill(fork, signal.SIGKILL)


def test_the_next_pool_removes_what_is_left_if_even_the_janitor_was_killed(tmp_path: Path) -> None:
    text = """
async def main():
    async with wool.WorkerPool(size=1) as pool:
        worker = next(iter(pool.workers.values()))
        os.kill(os.getpgid(worker.pid), signal.SIGKILL)
        say("alone")
        await asyncio.sleep(60)
asyncio.run(main())
"""
    with started(text, tmp_path) as program:
        program.wait_for("alone")
        program.kill()
        assert not program.left(within=promised(2))
    assert list(tmp_path.iterdir())
    assert swept(tmp_path)
