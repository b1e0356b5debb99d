"""Ctrl-C and a request to end, at any moment of a pool's start and of its stop."""

import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import pytest

from tests.faults.programs import HEAD, POOL, emptied, started, swept
from tests.faults.promises import promised
from tests.faults.soak import long_or_short
from tests.scripts import run

pytestmark = [
    pytest.mark.both_loops,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc"),
]

START_AND_STOP = """
async def main():
    say("entering")
    async with wool.WorkerPool(size=1, grace=0.2):
        call = asyncio.create_task(ignore())
        call.add_done_callback(asyncio.Task.exception)  # else asyncio reports that nobody asked
        await pid()
        say("leaving")
asyncio.run(main())
"""
MOMENTS = [("entering", 20 * n) for n in range(10)] + [("leaving", 50 * n) for n in range(10)]
"""Milliseconds after a line of the program's; to start takes some 200, and to stop 500."""

SIGNALS = [(number, group) for number in (signal.SIGINT, signal.SIGTERM) for group in (False, True)]
EACH = [(*moment, *number) for moment, number in product(MOMENTS, SIGNALS)]
IN_TURN = [(*moment, *SIGNALS[n % 4]) for n, moment in enumerate(MOMENTS)]


@pytest.mark.parametrize(("line", "delay", "number", "group"), long_or_short(EACH, IN_TURN))
def test_a_program_ends_and_leaves_nothing(
    line: str, delay: int, number: int, group: bool, tmp_path: Path
) -> None:
    with started(START_AND_STOP, tmp_path) as program:
        program.wait_for(line)
        time.sleep(delay / 1000)  # whatever it is doing by then
        program.signal(number, group=group)
        _, err = program.process.communicate(timeout=promised(3))
        assert program.process.returncode in (0, -number)
        assert not program.left(within=promised(2))
    assert "never retrieved" not in err
    assert "Exception ignored" not in err
    if not emptied(tmp_path, within=promised(0.5 if number == signal.SIGINT else 2)):
        assert number == signal.SIGTERM, "Ctrl-C cleans up"
        assert swept(tmp_path)


def test_ctrl_c_while_calls_run_cleans_up_and_leaves_nothing(tmp_path: Path) -> None:
    with started(POOL.replace("ROUTINE", "stay").replace("GRACE", "2"), tmp_path) as program:
        program.wait_for("started")
        program.signal(signal.SIGINT)
        out, err = program.process.communicate(timeout=promised(5))
        assert not program.left(within=0)
    assert program.process.returncode == -signal.SIGINT
    assert "cleaned up" in out
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert "never retrieved" not in err
    assert not list(tmp_path.iterdir())


def test_a_second_ctrl_c_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    with started(POOL.replace("ROUTINE", "ignore").replace("GRACE", "30"), tmp_path) as program:
        program.wait_for("started")
        program.signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            program.process.wait(timeout=0.3)
        program.signal(signal.SIGINT)
        program.process.communicate(timeout=promised(5))
        assert not program.left(within=promised(2))
    assert not list(tmp_path.iterdir())


def test_a_terminals_ctrl_c_does_not_reach_the_workers() -> None:
    text = """
signal.signal(signal.SIGINT, lambda *_: None)
async def main():
    async with wool.WorkerPool(size=1):
        before = await pid()
        os.killpg(0, signal.SIGINT)
        assert await pid() == before
        print("well")
os.setpgid(0, 0)
asyncio.run(main())
"""
    assert run(["-c", HEAD + text]).out == "well\n"
