"""A process with an open pool is forked: the child is told, the parent never knows."""

import sys
from pathlib import Path

import pytest

from tests.faults.programs import started
from tests.faults.promises import promised
from tests.loops import on_chosen_loop
from tests.scripts import run

pytestmark = [
    pytest.mark.both_loops,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc"),
]

FORK = """
@wool.routine
async def numbers():
    while True: yield os.getpid()

async def say_what_comes_of(call):
    try: say("child", await call)
    except Exception as error: say("child", type(error).__name__, error)

async def main():
    async with wool.WorkerPool(size=2) as pool:
        steps = numbers()
        worker = await anext(steps)
        running = asyncio.create_task(slow())
        await pid()
        if not (child := os.fork()):
            WHAT
            sys.stdout.flush()
            EXIT
        say("status", os.waitpid(child, 0)[1])
        assert await running == "slow"
        assert await anext(steps) == worker
        assert await asyncio.to_thread(asyncio.run, in_another_loop(pool)) > 0
        assert len({await pid() for _ in range(4)}) == 2
    say("left")

@wool.routine
async def slow():
    await asyncio.sleep(0.5)
    return "slow"

async def in_another_loop(pool):
    with pool.activate():
        return await pid()

asyncio.run(main())
"""
WHATS = {
    "nothing": "",
    "a call": "await say_what_comes_of(pid())",
    "a call on a loop of its own": "asyncio.run(say_what_comes_of(pid()))",
    "a step": "await say_what_comes_of(anext(numbers()))",
    "a step of an open stream": "asyncio.run(say_what_comes_of(anext(steps)))",
}
EXITS = {
    "at once": "os._exit(0)",
    "in good order": "import atexit; atexit._run_exitfuncs(); os._exit(0)",
}


@pytest.mark.parametrize(
    ("what", "ends"), [*((what, "at once") for what in WHATS), ("a call", "in good order")]
)
def test_a_fork_is_told_and_its_parent_goes_on(what: str, ends: str, tmp_path: Path) -> None:
    with started(FORK.replace("WHAT", WHATS[what]).replace("EXIT", EXITS[ends]), tmp_path) as fork:
        out, err = fork.process.communicate(timeout=promised(10))
        assert not fork.left(within=0)
    assert err == ""
    told = [line for line in out.splitlines() if line.startswith("child")]
    assert len(told) == (what != "nothing")
    assert all("PoolClosed" in line and "forked" in line for line in told), told
    assert [line for line in out.splitlines() if line not in told] == ["status 0", "left"]
    assert not list(tmp_path.iterdir())


WITHOUT_WARNING = """
import asyncio, os, wool

@wool.routine
async def fork():
    if not (child := os.fork()): os._exit(0)
    return os.waitpid(child, 0)[1]

async def main():
    async with wool.WorkerPool(size=2):
        print(await FORK)

asyncio.run(main())
"""


@pytest.mark.both_loops
@pytest.mark.parametrize("where", ["fork()", "fork.local()"])
def test_python_warns_of_no_thread_of_wools(where: str) -> None:
    program = on_chosen_loop(WITHOUT_WARNING.replace("FORK", where))
    ended = run(["-c", program], flags=("-W", "always"))  # of this, "error" raises nothing
    assert (ended.code, ended.out, ended.err) == (0, "0\n", "")
