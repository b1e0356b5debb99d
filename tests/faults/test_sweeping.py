"""What a pool removes when it opens: what dead pools left, and nothing else."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import wool
from tests.environment import on_a_new_machine
from tests.loops import on_chosen_loop
from tests.routines import double
from tests.scripts import ROOT
from tests.sockets import path_of

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]

KILL_ALL = """
import asyncio, os, signal, wool
async def main():
    async with wool.WorkerPool(size=1) as pool:
        worker = next(iter(pool.workers.values()))
        path = worker.address.removeprefix("unix:")
        print(os.path.dirname(path), os.getpgid(worker.pid), flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


def _left_by_a_dead_pool() -> Path:
    """Kill a pool together with its janitor, so that its directory stays."""
    environment = on_a_new_machine(PYTHONPATH=str(ROOT))
    command = [sys.executable, "-c", on_chosen_loop(KILL_ALL)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        directory, janitor = process.stdout.readline().split()
        os.kill(int(janitor), signal.SIGKILL)
        process.kill()
        process.wait()
    return Path(directory)


async def test_the_next_pool_removes_what_a_dead_one_left() -> None:
    left = _left_by_a_dead_pool()
    assert left.exists()
    async with wool.WorkerPool(size=1):
        assert await double(1) == 2
    assert not left.exists()


async def test_files_of_the_user_with_such_a_name_stay(tmp_path: Path) -> None:
    temporary = Path(tempfile.gettempdir())
    theirs = temporary / "wool-mythesis"
    theirs.mkdir(mode=0o700)
    (theirs / "chapter.txt").write_text("precious")
    link = temporary / "wool-alinkxyz"
    link.symlink_to(tmp_path)
    (tmp_path / "pool.lock").touch()
    (tmp_path / "key.sock").write_text("precious")
    for path in (theirs, tmp_path):
        os.utime(path, (0, 0))
    async with wool.WorkerPool(size=1):
        pass
    assert (theirs / "chapter.txt").read_text() == "precious"
    assert (tmp_path / "key.sock").read_text() == "precious"
    link.unlink()
    (theirs / "chapter.txt").unlink()
    theirs.rmdir()


async def test_the_directory_of_a_pool_that_lives_stays() -> None:
    async with wool.WorkerPool(size=1) as first:
        directory = path_of(next(iter(first.workers.values()))).parent
        async with wool.WorkerPool(size=1):
            assert directory.exists()
        with (directory / "pool.lock").open("rb") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _half_made(age: float) -> Path:
    """Leave what a pool leaves that is killed while it makes its directory."""
    path = Path(tempfile.mkdtemp(prefix="wool-"))
    lock = path / "new-pool.lock"
    lock.touch()
    made = time.time() - age
    os.utime(lock, (made, made))
    return path


async def test_what_a_pool_left_half_made_is_removed_after_a_while() -> None:
    new, old = _half_made(age=0), _half_made(age=120)
    async with wool.WorkerPool(size=1):
        pass
    assert new.exists()
    assert not old.exists()
    shutil.rmtree(new)
