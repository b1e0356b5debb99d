"""A program ends without a word to its pool, or to its streams: nothing is left."""

import sys
from pathlib import Path

import pytest

from tests.faults.programs import emptied, started
from tests.faults.promises import promised

pytestmark = [
    pytest.mark.both_loops,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc"),
]

HELPERS = """
@wool.routine
async def numbers():
    while True: yield os.getpid()

"""
PROGRAMS = {
    "it exits in the pool": """
async def main():
    async with wool.WorkerPool(size=1):
        await pid()
        sys.exit(3)
""",
    "it exits in the pool, which runs a call that ignores its end": """
async def main():
    async with wool.WorkerPool(size=1, grace=0.2):
        call = asyncio.create_task(ignore())
        call.add_done_callback(asyncio.Task.exception)
        await pid()
        sys.exit(3)
""",
    "it forgets a stream": """
async def main():
    async with wool.WorkerPool(size=1):
        steps = numbers()
        await anext(steps)
    globals().update(status=3)
""",
    "it forgets a stream on the way out": """
async def main():
    async with wool.WorkerPool(size=1):
        async for number in numbers():
            sys.exit(3)
""",
    "it drops a task": """
async def main():
    async with wool.WorkerPool(size=1):
        asyncio.create_task(stay()).add_done_callback(asyncio.Task.exception)
        await pid()
    globals().update(status=3)
""",
}
FORGETFUL = {
    "it forgets the pool": """
async def main():
    pool = await wool.WorkerPool(size=1).__aenter__()
    globals().update(status=3, pool=pool)
    await pid()
""",
    "it forgets the pool and a call": """
async def main():
    pool = await wool.WorkerPool(size=1).__aenter__()
    call = asyncio.create_task(ignore())
    call.add_done_callback(lambda call: call.cancelled() or call.exception())
    globals().update(status=3, pool=pool, call=call)
    await pid()
""",
    "it forgets the pool and a stream": """
async def main():
    pool = await wool.WorkerPool(size=1).__aenter__()
    steps = numbers()
    globals().update(status=3, pool=pool, steps=steps)
    await anext(steps)
""",
}
RUN = "\nasyncio.run(main())\nsys.exit(status)\n"


@pytest.mark.parametrize("what", PROGRAMS)
def test_a_program_that_ends_early_leaves_nothing(what: str, tmp_path: Path) -> None:
    with started(HELPERS + PROGRAMS[what] + RUN, tmp_path) as program:
        _, err = program.process.communicate(timeout=promised(10))
        assert not program.left(within=0)
    assert (program.process.returncode, err) == (3, "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("what", FORGETFUL)
def test_a_program_that_never_leaves_its_pool_leaves_nothing(what: str, tmp_path: Path) -> None:
    with started(HELPERS + FORGETFUL[what] + RUN, tmp_path) as program:
        program.process.communicate(timeout=promised(10))
        assert not program.left(within=promised(2))
    assert program.process.returncode == 3
    assert emptied(tmp_path, within=promised(2))
