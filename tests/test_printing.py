"""What routines print is seen when they print it, whatever standard output is."""

from pathlib import Path

import pytest

from tests.scripts import run

pytestmark = pytest.mark.both_loops

PROGRAM = """
import asyncio, os, signal, wool

@wool.routine
async def talk(n):
    print("worker", n)

@wool.routine
async def die():
    print("last words")
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with wool.WorkerPool(size=1):
        for n in range(2):
            await talk(n)
            print("caller", n, flush=True)
        try: await die()
        except wool.WorkerDied: print("died")
asyncio.run(main())
"""
INTO_A_FILE = ">> out"
LINES = ["worker 0", "caller 0", "worker 1", "caller 1", "last words", "died"]


def test_a_line_goes_through_a_pipe_at_once_and_survives_its_worker() -> None:
    assert run(["-c", PROGRAM]).out.splitlines() == LINES


def test_a_line_is_in_a_file_at_once_and_survives_its_worker(tmp_path: Path) -> None:
    run(["-c", PROGRAM], directory=tmp_path, shell=INTO_A_FILE)
    assert (tmp_path / "out").read_text().splitlines() == LINES
