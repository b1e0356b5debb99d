"""Globals that a program changes between two calls are changed on workers, and stay one object."""

import pytest

from tests.echoed import prints

pytestmark = pytest.mark.both_loops


def test_a_large_global_stays_one_object_as_long_as_home_leaves_it_alone() -> None:
    assert (
        prints("""
    BIG = {i: str(i) * 10 for i in range(20000)}
    BOX = {"t": BIG}
    class Store: table = BIG
    def lookup(k, t=BIG): return t.get(k)
    @wool.routine
    async def look():
        return BOX["t"] is BIG, Store.table is BIG, lookup.__defaults__[0] is BIG
    @wool.routine
    async def put(k):
        BIG[k] = "new"
        return BOX["t"].get(k), Store.table.get(k), lookup(k), BIG.get(-1)
    async def main():
        async with wool.WorkerPool(size=1):
            for k in (-1, -2): print(await look(), await put(k))
    """)
        == "(True, True, True) ('new', 'new', 'new', 'new')\n" * 2
    )


def test_a_call_does_not_erase_what_another_writes_into_a_large_global() -> None:
    assert (
        prints("""
    CACHE = {i: str(i) * 10 for i in range(20000)}
    @wool.routine
    async def keep(k):
        CACHE[k] = k
        await asyncio.sleep(0.2)
        return k in CACHE
    async def main():
        async with wool.WorkerPool(size=1):
            first = asyncio.create_task(keep(-1))
            await asyncio.sleep(0.1)
            print(await keep(-2), await first)
    """)
        == "True True\n"
    )
