"""Classes of a program's own file: made once in a process, found again, and left alone at home."""

import textwrap

import pytest

from tests.loops import on_chosen_loop
from tests.scripts import Ended, run

pytestmark = pytest.mark.both_loops

PROGRAM = """
import asyncio, wool

@wool.routine
async def echo(value): return value

@wool.routine
async def forwarded(value): return await echo(value)

{text}

asyncio.run(main())
"""


def _run(text: str, *, file: str = "-") -> Ended:
    program = on_chosen_loop(PROGRAM.format(text=textwrap.dedent(text)))
    return run([file], text=program, flags=())


def _prints(text: str) -> str:
    ended = _run(text)
    assert (ended.code, ended.err) == (0, "")
    return ended.out


def test_an_instance_with_slots_comes_back() -> None:
    assert (
        _prints("""
    import dataclasses
    @dataclasses.dataclass(slots=True)
    class Point:
        x: int
    @dataclasses.dataclass(slots=True, frozen=True)
    class Frozen:
        x: int
    class Private:
        __slots__ = ("__x", "y")
        def __init__(self): self.__x, self.y = 1, 2
        def both(self): return self.__x, self.y
    @wool.routine
    async def grows(point):
        try: point.z = 1
        except AttributeError: return False
        return True
    async def main():
        async with wool.WorkerPool(size=1):
            print(await echo(Point(1)), await echo(Frozen(2)), (await echo(Private())).both())
            print(await grows(Point(1)))
    """)
        == "Point(x=1) Frozen(x=2) (1, 2)\nFalse\n"
    )


def test_a_class_that_comes_back_registers_nothing_anew() -> None:
    assert (
        _prints("""
    made = []
    class Meta(type):
        def __init__(cls, *args, **options):
            super().__init__(*args, **options)
            made.append(cls)
    class Plugin(metaclass=Meta):
        registry = []
        def __init_subclass__(cls, **options):
            super().__init_subclass__(**options)
            Plugin.registry.append(cls)
    class One(Plugin): pass
    @wool.routine
    async def fresh(): return One(), Plugin
    async def main():
        async with wool.WorkerPool(size=2):
            for _ in range(4):
                one, plugin = await fresh()
                assert type(one) is One and plugin is Plugin
                assert type(await forwarded(One())) is One
        print(made == [Plugin, One], Plugin.registry == [One])
    """)
        == "True True\n"
    )


def test_a_class_is_made_once_on_a_worker() -> None:
    assert (
        _prints("""
    class Meta(type):
        made = []
        def __init__(cls, *args, **options):
            super().__init__(*args, **options)
            Meta.made.append(cls.__name__)
    class Thing(metaclass=Meta): pass
    @wool.routine
    async def count(thing): return type(thing).made.count("Thing"), Meta.made.count("Thing")
    async def main():
        async with wool.WorkerPool(size=1):
            first = await count(Thing())
            for _ in range(3): assert await count(Thing()) == first
            assert await count(await echo(Thing())) == first
        print(Meta.made)
    """)
        == "['Thing']\n"
    )


def test_what_a_worker_keeps_in_a_class_lasts_from_call_to_call() -> None:
    assert (
        _prints("""
    class Counter:
        count = 0
        cache = {}
        def step(self, key):
            type(self).count += 1
            hit = key in self.cache
            self.cache[key] = True
            return self.count, hit
    @wool.routine
    async def step(counter, key): return counter.step(key)
    async def main():
        async with wool.WorkerPool(size=1):
            print([await step(Counter(), "key") for _ in range(3)])
        print(Counter.count, Counter.cache)
    """)
        == "[(1, False), (2, True), (3, True)]\n0 {}\n"
    )


def test_a_call_does_not_erase_what_another_writes_into_a_class() -> None:
    assert (
        _prints("""
    class Owner:
        name = "nobody"
    @wool.routine
    async def take(owner, name):
        type(owner).name = name
        await asyncio.sleep(0.3)
        return type(owner).name
    async def main():
        async with wool.WorkerPool(size=1):
            taking = asyncio.create_task(take(Owner(), "ann"))
            await asyncio.sleep(0.1)
            for _ in range(5): await echo(Owner())
            print(await taking, Owner.name)
    """)
        == "ann nobody\n"
    )


def test_members_of_an_enum_are_the_same_after_the_trip() -> None:
    assert (
        _prints("""
    import enum
    class Colour(enum.Enum):
        RED = 1
        BLUE = "b"
    class Level(enum.IntEnum):
        LOW = 1
    class Rights(enum.Flag):
        READ = 1
        WRITE = 2
    class Planet(enum.Enum):
        EARTH = (5.9, 6.3)
        def __init__(self, mass, radius): self.mass, self.radius = mass, radius
    class Number(enum.Enum):
        ONE = (1, "one")
        UN = (1, "one")
        def __new__(cls, number, label):
            member = object.__new__(cls)
            member._value_, member.label = number, label
            return member
    @wool.routine
    async def look(colour, level, rights, planet):
        same = colour is Colour.RED and level is Level.LOW and rights is Rights.READ
        number = Number(1) is Number.UN and Number.ONE.label
        return same, planet.mass, number, Colour("b"), Rights.READ | Rights.WRITE
    async def main():
        async with wool.WorkerPool(size=1):
            for _ in range(2):
                *seen, blue, both = await look(Colour.RED, Level.LOW, Rights.READ, Planet.EARTH)
                print(seen, blue is Colour.BLUE, both is Rights.READ | Rights.WRITE)
            assert await echo(Colour) is Colour
    """)
        == "[True, 5.9, 'one'] True True\n" * 2
    )


def test_classes_that_refer_to_each_other_travel_in_any_order() -> None:
    assert (
        _prints("""
    class Node:
        def leaf(self): return Leaf(self)
    class Leaf:
        kind = Node
        def __init__(self, node): self.node = node
        def again(self): return Node().leaf()
    Node.child = Leaf
    Node.root = Node()
    class Tree(Node):
        def leaf(self): return super().leaf()
        class Inner:
            def out(self): return Tree
    async def main():
        for first in (Leaf(Node()), Tree(), Tree.Inner(), Node.root):
            async with wool.WorkerPool(size=1):
                assert type(await echo(first)) is type(first)
                tree, leaf = await echo((Tree(), Leaf(Node())))
                assert type(tree) is Tree and type(leaf) is Leaf and type(leaf.node) is Node
                print(await names(tree, leaf))
    @wool.routine
    async def names(tree, leaf):
        again = type(leaf.again()) is type(leaf) and type(tree.leaf()) is type(leaf)
        inner = type(tree).Inner
        return again, type(tree).root.child is type(leaf), inner().out() is Tree, inner.__qualname__
    """)
        == "(True, True, True, 'Tree.Inner')\n" * 4
    )


def test_a_large_family_of_classes_that_know_each_other_travels() -> None:
    assert (
        _prints("""
    family = []
    for n in range(60):
        class Member:
            number = n
            def all(self): return family
        family.append(Member)
    for member in family: member.relatives = tuple(family)
    async def main():
        async with wool.WorkerPool(size=1):
            there = await asyncio.wait_for(echo(family[7]()), 10)
            print(type(there) is family[7], await asyncio.wait_for(count(there), 10))
    @wool.routine
    async def count(member): return len({*member.relatives, *member.all()})
    """)
        == "True 60\n"
    )


def test_what_is_sent_on_to_a_peer_is_the_same_class_wherever_it_comes_from() -> None:
    assert (
        _prints("""
    class Meta(type):
        made = 0
        def __init__(cls, *args, **options):
            super().__init__(*args, **options)
            Meta.made += 1
    class Thing(metaclass=Meta):
        pass
    @wool.routine
    async def met(there, depth):
        same = type(there) is Thing and type(await echo(there)) is Thing
        return same and (depth == 0 or await met(there, depth - 1))
    async def main():
        async with wool.WorkerPool(size=3):
            print(await asyncio.gather(*[met(Thing(), 3) for _ in range(5)]))
            async with wool.WorkerPool(size=1):
                print(await met(await forwarded(Thing()), 1), Meta.made)
    """)
        == "[True, True, True, True, True]\nTrue 1\n"
    )


def test_a_class_that_a_worker_makes_is_one_class_at_the_caller() -> None:
    assert (
        _prints("""
    @wool.routine
    async def make():
        global Made
        class Made:
            made = 1
        return Made()
    @wool.routine
    async def known(value): return type(value) is Made
    async def main():
        async with wool.WorkerPool(size=1):
            one = await make()
            two = await echo(one)
            print(type(one) is type(two), type(one).__name__, one.made, await known(two))
    """)
        == "True Made 1 True\n"
    )


def test_a_function_that_comes_back_is_the_function() -> None:
    assert (
        _prints("""
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
        _prints("""
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
        _prints("""
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
        _prints("""
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


def test_a_program_that_defines_a_class_for_each_call_does_not_grow_its_worker() -> None:
    assert (
        _prints("""
    import gc
    def fresh():
        class Fresh:
            def method(self): return Fresh
        return Fresh()
    @wool.routine
    async def classes(value):
        gc.collect()
        return sum(1 for cls in object.__subclasses__() if cls.__name__ == "Fresh")
    async def main():
        async with wool.WorkerPool(size=1):
            for _ in range(600): await echo(fresh())
            print(await classes(fresh()) < 300)
        gc.collect()
        print(sum(1 for cls in object.__subclasses__() if cls.__name__ == "Fresh"))
    """)
        == "True\n0\n"
    )


def test_a_class_that_is_defined_again_is_another() -> None:
    assert (
        _prints("""
    class Point:
        version = 1
    old = Point
    @wool.routine
    async def version(point): return point.version, type(point) is Point
    async def main():
        global Point
        async with wool.WorkerPool(size=1):
            print(await version(Point()))
            class Point:
                version = 2
            print(await version(Point()), await version(old()))
            print(type(await echo(old())) is old, type(await echo(Point())) is Point)
    """)
        == "(1, True)\n(2, True) (1, False)\nTrue True\n"
    )


def test_classes_of_many_kinds_come_back_as_they_were() -> None:
    assert (
        _prints("""
    import abc, dataclasses, typing
    T = typing.TypeVar("T")
    @dataclasses.dataclass(frozen=True)
    class Box(typing.Generic[T]):
        item: T
        more: list = dataclasses.field(default_factory=list)
    class Pair(typing.NamedTuple):
        left: int
        right: int = 2
    class Options(typing.TypedDict):
        size: int
    class Walks(typing.Protocol):
        def walk(self) -> int: ...
    class Shape(abc.ABC):
        @abc.abstractmethod
        def area(self): ...
        @property
        def double(self): return 2 * self.area()
    class Square(Shape):
        def area(self): return 4
    class Failed(Exception):
        def __init__(self, *, code): super().__init__("failed"); self.code = code
    Shape.register(list)
    UserId = typing.NewType("UserId", int)
    @wool.routine
    async def look(shape, user):
        try: Shape()
        except TypeError: abstract = True
        known = isinstance(shape, Shape) and isinstance([], Shape) and not isinstance((), Shape)
        return abstract, known, shape.double, UserId(user)
    async def main():
        values = [Box(1), Pair(1), Options(size=1), Square(), Box[int], list[Square], Walks,
                  Options, Pair, UserId, T]
        async with wool.WorkerPool(size=2):
            for value in values:
                back = await forwarded(value)
                assert type(back) is type(value) and (back == value or type(value) is Square), value
            print(await look(Square(), 3))
            try: await fail()
            except Failed as error: print(error, error.code)
    @wool.routine
    async def fail(): raise Failed(code=7)
    """)
        == "(True, True, 8, 3)\nfailed 7\n"
    )


def test_a_class_that_needs_arguments_to_be_subclassed_travels() -> None:
    assert (
        _prints("""
    class Plugin:
        registry = {}
        def __init_subclass__(cls, *, kind):
            super().__init_subclass__()
            assert cls.version > 0
            Plugin.registry[kind] = cls
    class One(Plugin, kind="one"):
        version = 1
    @wool.routine
    async def kinds(one): return Plugin.registry == {"one": One} and type(one) is One
    async def main():
        async with wool.WorkerPool(size=1):
            print(await kinds(One()), Plugin.registry == {"one": One})
    """)
        == "True True\n"
    )


def test_a_class_whose_metaclass_fails_on_a_worker_is_an_error_of_that_call_alone() -> None:
    assert (
        _prints("""
    import os
    HOME = os.getpid()
    class Meta(type):
        def __init__(cls, *args):
            if os.getpid() != HOME: raise RuntimeError("not here")
    class Picky(metaclass=Meta): pass
    class Easy: pass
    async def main():
        async with wool.WorkerPool(size=1):
            for _ in range(2):
                try: await echo(Picky())
                except wool.SerializationError as error: print("not here" in str(error))
                print(type(await echo(Easy())) is Easy)
    """)
        == "True\nTrue\n" * 2
    )


def test_a_class_with_an_attribute_that_cannot_travel_is_named() -> None:
    assert _prints("""
    import threading
    class Guarded:
        guard = threading.Lock()
    async def main():
        async with wool.WorkerPool(size=1):
            try: await echo(Guarded())
            except wool.SerializationError as error: print("'Guarded.guard'" in str(error), error)
    """).startswith("True argument 'value'")


def test_a_class_of_a_program_is_known_in_its_forks() -> None:
    assert (
        _prints("""
    import multiprocessing, pickle
    from wool.protocol import serializer
    class Before: pass
    def child(end):
        class There: pass
        known = type(serializer.loads(sent)) is Before
        end.send((known, serializer.dumps_in_band(There(), "it")))
    async def main():
        global sent
        sent = serializer.dumps_in_band(Before(), "it")
        here, there = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(target=child, args=(there,))
        process.start()
        known, data = here.recv()
        process.join()
        class Here: pass
        serializer.dumps_in_band(Here(), "it")
        print(known, type(serializer.loads(data)).__name__)
    """)
        == "True There\n"
    )


def test_threads_that_read_a_class_at_once_make_it_once() -> None:
    assert (
        _prints('''
    import subprocess, sys, textwrap, time
    from wool.protocol import serializer
    class Meta(type):
        made = []
        def __init__(cls, *args):
            Meta.made.append(1)
            time.sleep(0.05)
    class Thing(metaclass=Meta):
        pass
    READER = textwrap.dedent("""
    import sys, threading
    from wool.protocol import serializer
    data = sys.stdin.buffer.read()
    read = []
    def load(): read.append(serializer.loads(data))
    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(len({type(thing) for thing in read}), len(type(type(read[0])).made), len(read))
    """)
    async def main():
        Meta.made.clear()
        data = serializer.dumps_in_band(Thing(), "it")
        subprocess.run([sys.executable, "-c", READER], input=data, check=True)
    ''')
        == "1 1 8\n"
    )


def test_a_model_of_pydantic_travels_and_still_validates() -> None:
    assert (
        _prints("""
    import pydantic
    class Inner(pydantic.BaseModel):
        n: int = 1
    class Model(pydantic.BaseModel):
        name: str
        inner: Inner = Inner()
        @pydantic.field_validator("name")
        @classmethod
        def upper(cls, value): return value.upper()
    @wool.routine
    async def more(model): return type(model) is Model, Model(name="more", inner={"n": 3})
    async def main():
        async with wool.WorkerPool(size=1):
            same, model = await more(Model(name="one"))
            print(same, type(model) is Model, type(model.inner) is Inner, model)
    """)
        == "True True True name='MORE' inner=Inner(n=3)\n"
    )


def test_what_a_worker_sets_in_a_global_and_cannot_be_sent_stays_there() -> None:
    assert (
        _prints("""
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
        _prints("""
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
        _prints("""
    def outer():
        @wool.routine
        async def down(n): return n and 1 + await down(n - 1)
        return down
    async def main():
        async with wool.WorkerPool(size=1): print(await outer()(3))
    """)
        == "3\n"
    )


def test_an_attribute_that_home_sets_is_there_on_workers_that_start_later() -> None:
    assert (
        _prints("""
    class Settings:
        rate = 1
    @wool.routine
    async def rate(): return Settings.rate
    async def main():
        async with wool.WorkerPool(size=1):
            before = await rate()
            Settings.rate = 2
            during = await rate()
        async with wool.WorkerPool(size=1):
            print(before, during, await rate())
    """)
        == "1 1 2\n"
    )
