"""A pool that one line of a prompt enters is active in the next; in a program it is not.

The prompt is that of `python -m asyncio`, which runs each line in a context of its own, as
notebooks do.
"""

import os
import pty
import re
import subprocess
import sys

from tests.environment import on_a_new_machine
from tests.loops import on_chosen_loop
from tests.scripts import ROOT, run

_ROUTINES = """
import os, wool
@wool.routine
async def double(n):
    return 2 * n

@wool.routine
async def where():
    return os.getpid()

"""
_ENTER = "pool = await wool.WorkerPool(size=1).__aenter__()\n"
_CALL = "print('says', await double(21))\n"
_LEAVE = "await pool.aclose()\n"


def test_a_pool_that_a_line_enters_is_active_in_the_next() -> None:
    assert "says 42" in _typed(_ROUTINES + _ENTER + _CALL + _LEAVE)


def test_a_pool_that_was_left_is_active_no_more() -> None:
    shown = _typed(_ROUTINES + _ENTER + _LEAVE + _CALL)
    assert "says 42" not in shown
    assert "NoActivePool" in shown


def test_the_pool_that_was_entered_last_is_active_until_it_is_left() -> None:
    another = _ENTER.replace("pool", "another", 1)
    ask = "print('another:', await where() in [w.pid for w in another.workers.values()])\n"
    lines = [_ENTER, another, ask, "await another.aclose()\n", ask, _LEAVE]
    assert re.findall(r"another: (\w+)", _typed(_ROUTINES + "".join(lines))) == ["True", "False"]


def test_a_pool_that_is_activated_comes_before_the_last_one() -> None:
    another = _ENTER.replace("pool", "another", 1)
    ask = "with pool.activate(): pid = await where()\n\n"
    tell = "print('first:', pid in [w.pid for w in pool.workers.values()])\n"
    lines = [_ENTER, another, ask, tell, "await another.aclose()\n", _LEAVE]
    assert "first: True" in _typed(_ROUTINES + "".join(lines))


_PROGRAM = """
import asyncio
async def lifespan(entered, over):
    async with wool.WorkerPool(size=1):
        entered.set()
        await over.wait()

async def main():
    entered, over = asyncio.Event(), asyncio.Event()
    living = asyncio.create_task(lifespan(entered, over))
    await entered.wait()
    try:
        print(await double(21))
    except wool.NoActivePool as error:
        print(error)
    over.set()
    await living
    try:
        print(await double(21))
    except wool.NoActivePool as error:
        print(error)

asyncio.run(main())
"""


def test_in_a_program_a_pool_is_not_active_elsewhere_and_the_error_says_how_it_is() -> None:
    ended = run(["-c", on_chosen_loop(_ROUTINES + _PROGRAM)], flags=("-W", "error"))
    assert (ended.code, ended.err) == (0, "")
    while_open, after = ended.out.splitlines()
    assert "one is open" in while_open
    assert "with pool.activate()" in while_open
    assert "call it inside 'async with wool.WorkerPool(...)'" in after


def _typed(lines: str) -> str:
    """Type lines at the prompt of `python -m asyncio`, on a terminal; return all that it shows."""
    ours, theirs = pty.openpty()
    environment = on_a_new_machine(PYTHONPATH=str(ROOT), TERM="xterm")
    command = [sys.executable, "-m", "asyncio"]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    ) as prompt:
        os.close(theirs)
        shown = b""
        for line in [*lines.splitlines(), "exit()"]:
            shown += _read_until(ours, b">>> ", b"... ")
            os.write(ours, line.encode() + b"\r")
        shown += _read_until(ours)
    os.close(ours)
    assert prompt.returncode == 0
    return shown.decode()


def _read_until(terminal: int, *ends: bytes) -> bytes:
    """Read what appears, to a prompt, or until the program has ended."""
    shown = b""
    while not ends or not any(end in shown for end in ends):
        try:
            shown += os.read(terminal, 65_536)
        except OSError:  # the program hung up
            break
    return shown
