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


CONTAINERS = {
    "dict": ("{'n': 1}", "CFG['n'] = 2"),
    "list": ("[1]", "CFG[:] = [2]"),
    "set": ("{1}", "CFG.clear(); CFG.add(2)"),
    "bytearray": ("bytearray(b'1')", "CFG[:] = b'2'"),
    "instance": ("Settings(1)", "CFG.n = 2"),
    "frozen": ("Frozen(1)", "object.__setattr__(CFG, 'n', 2)"),
    "namespace": ("types.SimpleNamespace(n=1)", "CFG.n = 2"),
    "ordered": ("collections.OrderedDict(n=1)", "CFG['n'] = 2"),
    "deque": ("collections.deque([1])", "CFG.append(2)"),
}
WITH_CLASS = [*CONTAINERS][:6]


@pytest.mark.parametrize("kind", CONTAINERS)
def test_what_holds_a_global_that_is_changed_in_place_holds_it_on_workers_too(kind: str) -> None:
    first, change = CONTAINERS[kind]
    assert (
        prints(f"""
    import collections, dataclasses, types
    @dataclasses.dataclass
    class Settings: n: int
    @dataclasses.dataclass(frozen=True)
    class Frozen: n: int
    CFG = {first}
    BOX = {{"cfg": CFG}}
    OUTER = [BOX]
    def default(c=CFG): return c
    @wool.routine
    async def look():
        return BOX["cfg"] is CFG, OUTER[0] is BOX, default() is CFG, repr(CFG)
    async def main():
        async with wool.WorkerPool(size=1):
            assert await look() == await look.local()
            {change}
            there, here = await look(), await look.local()
            print(there == here, there[:3])
    """)
        == "True (True, True, True)\n"
    )


@pytest.mark.parametrize("kind", WITH_CLASS)
def test_an_attribute_of_a_class_follows_a_global_that_is_changed_in_place(kind: str) -> None:
    first, change = CONTAINERS[kind]
    assert (
        prints(f"""
    import dataclasses
    @dataclasses.dataclass
    class Settings: n: int
    @dataclasses.dataclass(frozen=True)
    class Frozen: n: int
    CFG = {first}
    class App: cfg = CFG
    @wool.routine
    async def look(): return App.cfg is CFG, repr(App.cfg)
    async def main():
        async with wool.WorkerPool(size=1):
            await look()
            {change}
            print(await look() == (True, repr(CFG)))
    """)
        == "True\n"
    )


def test_a_global_that_is_set_anew_leaves_the_object_that_it_was() -> None:
    assert (
        prints("""
    CURRENT, SEEN = {"n": 0}, []
    class App: first = CURRENT
    @wool.routine
    async def see():
        SEEN.append(CURRENT)
        return SEEN, App.first
    async def main():
        global CURRENT
        async with wool.WorkerPool(size=1):
            for n in range(3):
                CURRENT = {"n": n}
                seen = await see()
            print(seen)
    """)
        == "([{'n': 0}, {'n': 1}, {'n': 2}], {'n': 0})\n"
    )


def test_a_change_in_place_does_not_reach_into_what_a_worker_set_in_its_place() -> None:
    assert (
        prints("""
    CFG, OTHER = {"n": 1}, {"other": 1}
    BOX = [CFG]
    @wool.routine
    async def swap():
        global CFG
        CFG = OTHER
    @wool.routine
    async def look(): return CFG, OTHER, BOX[0] is CFG
    async def main():
        async with wool.WorkerPool(size=1):
            await swap()
            CFG["n"] = 2
            print(*await look())
    """)
        == "{'n': 2} {'other': 1} True\n"
    )


def test_globals_that_refer_to_themselves_and_each_other_stay_one_when_they_change() -> None:
    assert (
        prints("""
    class Node: pass
    SELF, LEFT, RIGHT, NODE, BAG = {}, {}, [], Node(), set()
    SELF["me"], LEFT["right"], NODE.me = SELF, RIGHT, NODE
    RIGHT.append(LEFT)
    BAG.add(NODE)
    NODE.bag = BAG
    @wool.routine
    async def look():
        pair = LEFT["right"] is RIGHT and RIGHT[0] is LEFT
        bag = NODE.me is NODE and NODE.bag is BAG and NODE in BAG and len(BAG)
        return SELF["me"] is SELF, pair, bag, SELF.get("n"), NODE.__dict__.get("n")
    async def main():
        async with wool.WorkerPool(size=1):
            print(*await look())
            SELF["n"] = LEFT["n"] = NODE.n = 1
            print(*await look())
            RIGHT.append(2)
            BAG.add(2)
            print(*await look())
    """)
        == "True True 1 None None\nTrue True 1 1 1\nTrue True 2 1 1\n"
    )


def test_a_global_that_cannot_be_read_stays_as_it_was() -> None:
    assert (
        prints("""
    import os
    HOME = os.getpid()
    class Picky:
        def __init__(self, fails): self.fails = fails
        def __setstate__(self, state):
            if state["fails"] and os.getpid() != HOME: raise RuntimeError("not here")
            self.__dict__.update(state)
    CFG = {"a": 1, "picky": Picky(False)}
    BOX = [CFG]
    @wool.routine
    async def look(): return KEPT.append(CFG), CFG["a"], BOX[0] is CFG
    @wool.routine
    async def peek(): return [(*each.items(),)[0] for each in KEPT]
    KEPT = []
    async def main():
        async with wool.WorkerPool(size=1):
            await look()
            CFG["a"], CFG["picky"] = 2, Picky(True)
            try: await look()
            except wool.SerializationError as error: print("not here" in str(error), await peek())
            CFG["picky"] = Picky(False)
            print(await look(), await peek())
    """)
        == "True [('a', 1)]\n(None, 2, True) [('a', 2), ('a', 2)]\n"
    )


def test_a_change_reaches_the_peers_of_a_worker() -> None:
    assert (
        prints("""
    CFG = {"n": 1}
    BOX = [CFG]
    @wool.routine
    async def look(): return BOX[0] is CFG, CFG["n"]
    @wool.routine
    async def all_look(): return set(await asyncio.gather(*[look() for _ in range(4)]))
    async def main():
        async with wool.WorkerPool(size=2):
            for n in range(3):
                CFG["n"] = n
                print(await all_look())
    """)
        == "{(True, 0)}\n{(True, 1)}\n{(True, 2)}\n"
    )


def test_a_cached_function_keeps_its_cache_when_a_global_that_it_uses_changes() -> None:
    assert (
        prints("""
    import collections
    SETTINGS = collections.deque([1])
    @functools.cache
    def slow(n): return SETTINGS[-1] * n
    @wool.routine
    async def work(): return slow(1), slow.cache_info().hits, SETTINGS[-1]
    async def main():
        async with wool.WorkerPool(size=1):
            print(await work())
            SETTINGS.append(5)
            print(await work())
    """)
        == "(1, 0, 1)\n(1, 1, 5)\n"
    )


def test_a_global_that_home_deletes_is_gone_on_workers() -> None:
    assert (
        prints("""
    GONE = 1
    @wool.routine
    async def gone():
        try: return GONE
        except NameError as error: return str(error)
    @wool.routine
    async def size(): return len("abc")
    async def main():
        global GONE, len
        async with wool.WorkerPool(size=2):
            for outer in (gone, nested):
                GONE = 1
                print(await outer())
                del GONE
                print(await outer())
            len = lambda value: "mine"
            print([await size() for _ in range(2)])
            del len
            print([await size() for _ in range(2)])
    @wool.routine
    async def nested(): return await gone()
    """)
        == "1\nname 'GONE' is not defined\n" * 2 + "['mine', 'mine']\n[3, 3]\n"
    )


def test_a_global_that_only_a_worker_has_stays_there() -> None:
    assert (
        prints("""
    @wool.routine
    async def connect():
        globals()["hidden"] = 7
        global connection
        try: connection += 1
        except NameError: connection = 1
        return connection
    @wool.routine
    async def look(): return connection, hidden
    async def main():
        async with wool.WorkerPool(size=1):
            print(await connect(), await connect(), await look())
    """)
        == "1 2 (2, 7)\n"
    )
