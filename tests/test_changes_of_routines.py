"""A worker sees every change of a routine that travels by value, though its pickle is kept."""

import pytest

from tests.echoed import prints

pytestmark = pytest.mark.anyio


async def test_a_routine_by_value_sees_every_change_on_the_worker() -> None:
    assert (
        prints("""
    n = 1
    def plus(x, *, k=0): return x + k
    class Settings: factor = 10
    def make(cell):
        @wool.routine
        async def inner(x, y=0): return plus(x) + y + cell, n
        return inner
    routine = make(100)
    @wool.routine
    async def factor(): return Settings.factor
    def other(x, *, k=0): return -x
    async def main():
        global n
        async with wool.WorkerPool(size=1):
            for _ in range(3): print(await routine(1), end=" ")
            n = 2; print(await routine(1), end=" ")
            plus.__kwdefaults__["k"] = 5; print(await routine(1), end=" ")
            plus.__code__ = other.__code__; print(await routine(1), end=" ")
            routine.local.__defaults__ = (7,); print(await routine(1), end=" ")
            routine.local.__closure__[0].cell_contents = 200; print(await routine(1), end=" ")
            del n
            try: await routine(1)
            except NameError as error: print(error)
            print([await factor() for _ in range(3)])
        Settings.factor = 20
        async with wool.WorkerPool(size=1): print(await factor())
    """)
        == "(101, 1) (101, 1) (101, 1) (101, 2) (106, 2) (99, 2) (106, 2) (206, 2) "
        "name 'n' is not defined\n[10, 10, 10]\n20\n"
    )


async def test_what_a_worker_does_to_a_global_stays_as_long_as_home_leaves_it_alone() -> None:
    assert (
        prints("""
    count = 0
    @wool.routine
    async def step():
        global count
        count += 1
        return count
    async def main():
        global count
        async with wool.WorkerPool(size=1):
            print([await step() for _ in range(4)])
            count = 10
            print([await step() for _ in range(4)])
    """)
        == "[1, 2, 3, 4]\n[11, 12, 13, 14]\n"
    )
