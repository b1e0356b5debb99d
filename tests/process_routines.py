"""Routines that start processes, as plain programs do; workers import this module."""

import asyncio
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import shared_memory
from typing import Any

import wool

# ruff: noqa: ASYNC220 - these block as users' code blocks


def square(n: int) -> int:
    return n * n


def _context(method: str) -> Any:
    return multiprocessing.get_context(method)  # its types differ by the method


@wool.routine
async def squares(method: str, pools: int) -> list[list[int]]:
    """Square three numbers in so many pools, one after the other."""
    results: list[list[int]] = []
    for _ in range(pools):
        with _context(method).Pool(2) as pool:
            results.append(pool.map(square, range(3)))
    return results


@wool.routine
async def leave_pool_with_work(method: str) -> float:
    """Leave a pool whose processes are busy; return the seconds that it took."""
    with _context(method).Pool(2) as pool:
        for _ in range(4):
            pool.apply_async(time.sleep, (60,))
        pool.apply_async(square, (2,))
        began = time.monotonic()
    pool.join()
    seconds = time.monotonic() - began
    del pool
    gc.collect()  # its semaphores, in any program, are gone when it is collected
    return seconds


@wool.routine
async def exit_code_when_terminated(method: str) -> Any:
    return _terminated(method)


@wool.routine
async def exit_code_when_terminated_in_a_thread(method: str) -> Any:
    return await asyncio.to_thread(_terminated, method)


def _terminated(method: str) -> Any:
    process = _context(method).Process(target=time.sleep, args=(60,))
    process.start()
    process.terminate()  # maybe before it does anything
    process.join(20)
    return process.exitcode


@wool.routine
async def exit_code_when_interrupted(method: str) -> Any:
    ours, theirs = multiprocessing.Pipe()
    process = _context(method).Process(target=_wait_for_an_interrupt, args=(theirs,))
    process.start()
    ours.recv()
    os.kill(process.pid, signal.SIGINT)
    process.join(20)
    return process.exitcode


def _wait_for_an_interrupt(ready: Any) -> None:
    try:
        ready.send("ready")
        time.sleep(60)
    except KeyboardInterrupt:
        sys.exit(7)


@wool.routine
async def exit_code_with_own_handler() -> Any:
    """Terminate a child that inherits a handler of this routine's."""
    before = signal.signal(signal.SIGTERM, _exit_with_9)
    try:
        process = _context("fork").Process(target=time.sleep, args=(60,))
        process.start()
        process.terminate()
        process.join(20)
    finally:
        signal.signal(signal.SIGTERM, before)
    return process.exitcode


def _exit_with_9(number: int, frame: object) -> None:
    os._exit(9)


@wool.routine
async def executed(method: str) -> list[int]:
    """Use an executor of processes as asyncio's documentation shows it."""
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(2, mp_context=_context(method)) as executor:
        return list(
            await asyncio.gather(*(loop.run_in_executor(executor, square, n) for n in range(4)))
        )


def _end() -> None:
    """Not `os._exit` itself, which can't be pickled where coverage has put its own in its place."""
    os._exit(3)


@wool.routine
async def broken_executor(method: str) -> str:
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, mp_context=_context(method)) as executor:
        try:
            await loop.run_in_executor(executor, _end)
        except BrokenProcessPool as error:
            return type(error).__name__
    return "it ended"


@wool.routine
async def shared(method: str) -> list[int]:
    try:
        return _shared(_context(method))
    finally:
        gc.collect()  # as above


def _shared(context: Any) -> list[int]:
    """Use what processes share: a manager, an event, a queue, memory."""
    memory = shared_memory.SharedMemory(create=True, size=1)
    try:
        with context.Manager() as manager:
            numbers = manager.list([1])
            event, queue = context.Event(), context.Queue()
            process = context.Process(target=_share, args=(numbers, event, queue, memory.name))
            process.start()
            event.set()
            got = queue.get(timeout=20)
            process.join()
            assert process.exitcode == 0
            return [*numbers, got, bytes(_of(memory))[0]]
    finally:
        memory.close()
        memory.unlink()


def _of(memory: shared_memory.SharedMemory) -> memoryview:
    assert memory.buf is not None
    return memory.buf


def _share(numbers: Any, event: Any, queue: Any, name: str) -> None:
    event.wait()
    numbers.append(2)
    memory = shared_memory.SharedMemory(name)
    _of(memory)[0] = 4
    memory.close()
    queue.put(3)


_processes: list[Any] = []


@wool.routine
async def start_daemon(method: str) -> Any:
    """Start a daemonic process that this worker keeps; give its pid."""
    process = _context(method).Process(target=time.sleep, args=(60,), daemon=True)
    process.start()
    _processes.append(process)
    return process.pid


@wool.routine
async def start_program() -> int:
    """Start a program, and forget it; give its pid."""
    return subprocess.Popen(["sleep", "60"]).pid


@wool.routine
async def lose_shared_memory(method: str) -> str:
    """Leave memory and a semaphore behind; give the memory's name."""
    context = _context(method)
    memory = shared_memory.SharedMemory(create=True, size=1)
    _processes.extend((memory, context.Lock()))
    return memory.name


@wool.routine
async def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
