"""Functions of a program's own file, and the globals that they share."""

import pytest

from tests.echoed import prints

pytestmark = pytest.mark.both_loops


def test_a_function_that_comes_back_is_the_function() -> None:
    assert (
        prints("""
    import functools
    def plain(n): return n + STEP
    STEP = 1
    def outer():
        seen = []
        def inner(): seen.append(1); return len(seen)
        return inner
    inner = outer()
    nameless = lambda: 1
    functions = [lambda: 1]
    class Thing:
        def method(self): pass
    @functools.wraps(plain)
    def wrapper(n): return plain(n)
    async def main():
        things = [plain, inner, nameless, functions[0], Thing.method, wrapper, echo, echo.local]
        async with wool.WorkerPool(size=2):
            print([await forwarded(thing) is thing for thing in things])
            print(await same(plain, nameless), STEP)
    @wool.routine
    async def same(a, b): return a is plain, b is nameless, plain(1)
    """)
        == f"{[True] * 8}\n(True, True, 2) 1\n"
    )


def test_a_method_sees_the_globals_of_the_caller_at_the_call() -> None:
    assert (
        prints("""
    class Point:
        def step(self): return STEP, helper()
    def helper(): return STEP
    STEP = 1
    @wool.routine
    async def step(point): return point.step()
    async def main():
        global STEP, helper
        async with wool.WorkerPool(size=1):
            print(await step(Point()))
            STEP = 2
            print(await step(Point()))
            def helper(): return "new"
            print(await step(Point()))
            STEP = 1
            print(await step(Point()))
    """)
        == "(1, 1)\n(2, 2)\n(2, 'new')\n(1, 'new')\n"
    )


def test_methods_and_routines_of_a_program_share_its_globals_on_a_worker() -> None:
    assert (
        prints("""
    count, log = 0, []
    class Counter:
        def bump(self):
            global count
            count += 1
            log.append(count)
    @wool.routine
    async def work(counter):
        Counter().bump()
        counter.bump()
        return count, log
    @wool.routine
    async def look(): return count, log
    async def main():
        async with wool.WorkerPool(size=1):
            print(await work(Counter()), await look(), await work(Counter()))
        print(count, log)
    """)
        == "(2, [1, 2]) (2, [1, 2]) (4, [1, 2, 3, 4])\n0 []\n"
    )


def test_a_global_that_is_two_things_at_once_is_one_object_on_a_worker() -> None:
    assert (
        prints("""
    MISSING = object()
    REGISTRY = {}
    class Store:
        registry = REGISTRY
        def get(self, key, default=MISSING): return default is MISSING and self.default is MISSING
        default = MISSING
    store = Store()
    stores = [store]
    store.all = stores
    @wool.routine
    async def look(given, default=MISSING):
        shared = Store.registry is REGISTRY and stores[0] is store and store.all is stores
        return default is MISSING, given.get("key"), shared
    async def main():
        async with wool.WorkerPool(size=1):
            print(await look(Store()), await look(store))
    """)
        == "(True, True, True) (True, True, True)\n"
    )


def test_what_a_worker_sets_in_a_global_and_cannot_be_sent_stays_there() -> None:
    assert (
        prints("""
    import threading
    connection = None
    class Query:
        def run(self): return type(connection).__name__
    @wool.routine
    async def connect():
        global connection
        connection = threading.Lock()
        return Query()
    @wool.routine
    async def run(query): return query.run()
    async def main():
        async with wool.WorkerPool(size=1):
            query = await connect()
            print(type(query) is Query, await run(query), connection)
    """)
        == "True lock None\n"
    )


def test_what_a_worker_sets_in_a_global_goes_with_the_calls_that_it_makes() -> None:
    assert (
        prints("""
    setting = None
    @wool.routine
    async def outer(n):
        global setting
        setting = n
        return await asyncio.gather(*[inner() for _ in range(4)])
    @wool.routine
    async def inner(): return setting
    async def main():
        async with wool.WorkerPool(size=2):
            print([await outer(n) for n in range(3)], setting)
    """)
        == "[[0, 0, 0, 0], [1, 1, 1, 1], [2, 2, 2, 2]] None\n"
    )


def test_a_local_routine_calls_itself() -> None:
    assert (
        prints("""
    def outer():
        @wool.routine
        async def down(n): return n and 1 + await down(n - 1)
        return down
    async def main():
        async with wool.WorkerPool(size=1): print(await outer()(3))
    """)
        == "3\n"
    )


def test_a_buffer_that_a_worker_looks_into_is_replaced_when_home_makes_it_longer() -> None:
    assert (
        prints("""
    BUFFER, VIEWS = bytearray(b"1"), []
    BOX = [BUFFER]
    @wool.routine
    async def look():
        VIEWS.append(memoryview(BUFFER))
        return bytes(BUFFER), BOX[0] is BUFFER, bytes(VIEWS[0])
    async def main():
        async with wool.WorkerPool(size=1):
            print(await look())
            BUFFER.extend(b"2")
            print(await look())
    """)
        == "(b'1', True, b'1')\n(b'12', True, b'1')\n"
    )
