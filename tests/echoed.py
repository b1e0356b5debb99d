"""Programs whose routines give back what they get, as their authors write and run them."""

import textwrap

from tests.loops import on_chosen_loop
from tests.scripts import Ended, run

__all__ = ["prints", "ran"]

PROGRAM = """
import asyncio, functools, typing, wool

@wool.routine
async def echo(value): return value

@wool.routine
async def forwarded(value): return await echo(value)

{text}

asyncio.run(main())
"""


def ran(text: str, *, file: str = "-") -> Ended:
    """Run a program that defines `main`, from standard input or from `file`."""
    program = on_chosen_loop(PROGRAM.format(text=textwrap.dedent(text)))
    return run([file], text=program, flags=())


def prints(text: str) -> str:
    """Return what such a program prints; it ends well, and writes nothing else."""
    ended = ran(text)
    assert (ended.code, ended.err) == (0, "")
    return ended.out
