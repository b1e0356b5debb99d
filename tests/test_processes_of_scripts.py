"""A script's routine starts processes that run what the script defines: functions, classes."""

import pytest

from tests.loops import on_chosen_loop
from tests.scripts import run

METHODS = ["fork", "spawn", "forkserver"]

HEAD = """
import asyncio, functools, multiprocessing, os, threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
import wool
context = multiprocessing.get_context("METHOD")
"""
MAIN = """
async def main():
    async with wool.WorkerPool(size=1):
        print(await use())
asyncio.run(main())
"""
INITIALIZED = """
offset = None

def begin(n):
    global offset
    offset = n

def shift(n): return moved(n)
def moved(n): return n + offset

@wool.routine
async def use():
    with context.Pool(2, begin, (100,)) as pool:
        first = pool.map(shift, range(3))
    with ProcessPoolExecutor(2, context, begin, (200,)) as executor:
        return first, list(executor.map(shift, range(3))), offset
"""
INSTANCES = """
@dataclass
class Point:
    x: int
    def next(self): return Point(self.x + 1)

class Failed(Exception): pass

def advance(point):
    assert type(point) is Point
    if point.x == 9: raise Failed("nine")
    return point.next()

def answer(queue, point): queue.put(point.next())

@wool.routine
async def use():
    with context.Pool(1) as pool:
        points = pool.map(advance, [Point(1), Point(2)])
        try: pool.apply(advance, (Point(9),))
        except Failed as error: failed = str(error)
    queue = context.Queue()
    process = context.Process(target=answer, args=(queue, Point(5)))
    process.start()
    points.append(queue.get())
    process.join()
    return points, {type(point) is Point for point in points}, failed
"""
LATE = """
state = "not set"

def told(n): return state

@wool.routine
async def use():
    global state
    with context.Pool(1) as pool:
        before = pool.map(told, [1])
    state = "set"
    with context.Pool(1) as pool:
        return before, pool.map(told, [1])
"""
UNPICKLABLE = """
lock = None

def held(n): return lock.locked()

@wool.routine
async def use():
    global lock
    lock = threading.Lock()
    with lock, context.Pool(1) as pool:
        return pool.map(held, [1])
"""
SEVERAL = """
def twice(n): return 2 * n

@wool.routine
async def use():
    with multiprocessing.get_context("spawn").Pool(1) as one, context.Pool(1) as other:
        return one.map(twice, [1]), other.map(twice, [2])
"""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("defined", "printed"),
    [
        (INITIALIZED, "([100, 101, 102], [200, 201, 202], None)"),
        (INSTANCES, "([Point(x=2), Point(x=3), Point(x=6)], {True}, 'nine')"),
        (LATE, "(['not set'], ['set'])"),
        (SEVERAL, "([2], [4])"),
    ],
    ids=["initialized", "instances", "late", "several"],
)
def test_what_main_defines_runs_in_processes_of_its_routine(
    method: str, defined: str, printed: str
) -> None:
    text = on_chosen_loop(HEAD.replace("METHOD", method) + defined + MAIN)
    ended = run(["-c", text], flags=("-W", "error"))
    assert (ended.out, ended.err) == (f"{printed}\n", "")


def test_a_forked_process_has_what_can_not_be_sent() -> None:
    text = on_chosen_loop(HEAD.replace("METHOD", "fork") + UNPICKLABLE + MAIN)
    assert run(["-c", text], flags=()).out == "[True]\n"


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_process_does_not_start_the_script_anew(method: str) -> None:
    text = HEAD.replace("METHOD", method) + 'print("once")' + SEVERAL + MAIN
    assert run(["-"], text=on_chosen_loop(text), flags=()).out == "once\n([2], [4])\n"
