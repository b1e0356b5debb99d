"""Programs that open pools, each in a process group of its own, and all that they started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.environment import on_a_new_machine
from tests.loops import on_chosen_loop
from tests.scripts import ROOT

__all__ = ["HEAD", "POOL", "Program", "emptied", "started", "swept"]

HEAD = """
import asyncio, ctypes, os, signal, sys, time, wool

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # whole lines, whoever else writes

@wool.routine
async def pid(): return os.getpid()

@wool.routine
async def idle(): pass

@wool.routine
async def stay():
    say("started")
    try: await asyncio.sleep(60)
    finally: say("cleaned up")

@wool.routine
async def ignore():
    say("started")
    while True:
        try: await asyncio.sleep(60)
        except asyncio.CancelledError: pass

@wool.routine
async def block():
    say("started")
    time.sleep(60)

@wool.routine
async def compute():
    say("started")
    while True: pass

@wool.routine
async def hold_the_interpreter():
    say("started")
    ctypes.PyDLL(None).sleep(60)
"""
"""Routines of such programs; those that go on print "started"."""

POOL = """
async def main():
    async with wool.WorkerPool(size=2, grace=GRACE):
        say("open")
        await ROUTINE()
        say("idle")
        await asyncio.sleep(60)
asyncio.run(main())
"""

_MARK = "WOOL_TEST_PROGRAM"


@dataclass(frozen=True)
class Program:
    process: subprocess.Popen[str]
    mark: str

    def wait_for(self, line: str) -> None:
        """Read its output up to a line."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        for written in self.process.stdout:
            if written == f"{line}\n":
                return
        raise AssertionError(f"it ended before it wrote {line!r}:\n{self.process.stderr.read()}")

    def signal(self, number: int, *, group: bool = False) -> None:
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.process.pid, number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def left(self, *, within: float, but: int = 0) -> list[str]:
        """Name its processes that are left after so many seconds, `but` for one."""
        deadline = time.monotonic() + within
        while (left := list(self._processes(but))) and time.monotonic() < deadline:
            time.sleep(0.01)
        return left

    def _processes(self, but: int) -> Iterator[str]:
        """Find all that inherited the mark. A zombie has no environment any more."""
        for pid in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - processes end
            with suppress(OSError):
                if (
                    int(pid) != but
                    and self.mark.encode() in Path("/proc", pid, "environ").read_bytes()
                ):
                    yield f"{pid} {Path('/proc', pid, 'cmdline').read_bytes()!r}"


@contextmanager
def started(text: str, place: Path) -> Generator[Program]:
    """Run a program, on the chosen loop, whose pools keep their files in `place`.

    What is left of it in the end is killed.
    """
    mark = f"{_MARK}={uuid4().hex}"
    variables = {"PYTHONPATH": str(ROOT), "TMPDIR": str(place), _MARK: mark.partition("=")[2]}
    with subprocess.Popen(
        [sys.executable, "-c", on_chosen_loop(HEAD + text)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=on_a_new_machine(**variables),
        start_new_session=True,
    ) as process:
        program = Program(process, mark)
        try:
            yield program
        finally:
            process.kill()
            for left in program.left(within=0):
                with suppress(ProcessLookupError):
                    os.kill(int(left.split()[0]), signal.SIGKILL)


def emptied(place: Path, *, within: float) -> bool:
    """Tell whether nothing is in a directory after so many seconds."""
    deadline = time.monotonic() + within
    while any(place.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not any(place.iterdir())


def swept(place: Path) -> bool:
    """Tell whether a pool that opens removes what is in a directory."""
    with started("asyncio.run(wool.WorkerPool(size=1).__aenter__())", place) as program:
        program.process.communicate()
    return not any(place.iterdir())
