"""Routines that run programs and libraries which start processes; workers import this module."""

import asyncio
import importlib
import multiprocessing
import os
import queue
import signal
import subprocess
import threading
from typing import Any

import wool

# ruff: noqa: ASYNC220, ASYNC221, S605 - these block as users' code blocks, with a shell as theirs


@wool.routine
async def output_of(*command: str) -> str:
    """Run a program as asyncio does."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return out.decode()


@wool.routine
async def ended_by(number: signal.Signals) -> list[int | None]:
    """Send programs a signal, one that asyncio started and one that `subprocess` did."""
    one = await asyncio.create_subprocess_exec("sleep", "60")
    one.send_signal(number)
    with subprocess.Popen(["sleep", "60"]) as other:
        other.send_signal(number)
        return [await one.wait(), other.wait()]


@wool.routine
async def output_before_a_timeout(*command: str) -> bytes:
    """Run a program for longer than it may take."""
    try:
        return subprocess.run(command, timeout=0.5, capture_output=True, check=True).stdout
    except subprocess.TimeoutExpired:
        return b"timeout"


@wool.routine
async def exit_status_of(command: str) -> int:
    return os.waitstatus_to_exitcode(os.system(command))  # pyright: ignore[reportDeprecated]


@wool.routine
async def what_is_read_from_stdin() -> str:
    return subprocess.run(["cat"], capture_output=True, text=True, check=True).stdout


joblib: Any = importlib.import_module("joblib")  # which has no types


def cube(n: int) -> int:
    return n**3


@wool.routine
async def cubes(backend: str) -> list[int]:
    return list(
        joblib.Parallel(n_jobs=2, backend=backend)(joblib.delayed(cube)(n) for n in range(5))
    )


class Loader:
    """Loads items in long-lived processes, as a PyTorch DataLoader does."""

    def __init__(self, method: str, items: list[int]) -> None:
        context: Any = multiprocessing.get_context(method)
        self._loaded = context.Queue()
        self._pinned: queue.Queue[tuple[int, int] | None] = queue.Queue()
        self._indices = [context.Queue() for _ in range(2)]
        self._done = context.Event()
        self.processes = [
            context.Process(
                target=_load, args=(items, indices, self._loaded, self._done), daemon=True
            )
            for indices in self._indices
        ]
        for process in self.processes:
            process.start()
        self._pinning = threading.Thread(target=self._pin, daemon=True)
        self._pinning.start()

    def _pin(self) -> None:
        while (loaded := self._loaded.get()) is not None:
            self._pinned.put(loaded)

    def load(self, count: int) -> list[int]:
        for index in range(count):
            self._indices[index % 2].put(index)
        loaded = [self._pinned.get(timeout=20) for _ in range(count)]
        return [item for _, item in sorted(pair for pair in loaded if pair is not None)]

    def shut_down(self) -> None:
        self._loaded.put(None)
        self._pinning.join()
        self._done.set()
        for indices in self._indices:
            indices.cancel_join_thread()
            indices.put(None)
        first, second = self.processes
        first.join(20)
        second.terminate()
        second.join(20)


def _load(items: list[int], indices: Any, loaded: Any, done: Any) -> None:
    while (index := indices.get()) is not None and not done.is_set():
        loaded.put((index, items[index]))


@wool.routine
async def loaded(method: str, count: int) -> tuple[list[int], list[bool]]:
    """Load items; tell which processes are alive afterwards."""
    loader = Loader(method, [n * 10 for n in range(count)])
    try:
        return loader.load(count), [process.is_alive() for process in loader.processes]
    finally:
        loader.shut_down()
        assert not any(process.is_alive() for process in loader.processes)
