"""Classes of a program's own file: made once in a process, and left alone at home."""

import pytest

from tests.echoed import prints

pytestmark = pytest.mark.both_loops


def test_a_class_that_comes_back_registers_nothing_anew() -> None:
    assert (
        prints("""
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
        prints("""
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
        prints("""
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
        prints("""
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


def test_a_program_that_defines_a_class_for_each_call_does_not_grow_its_worker() -> None:
    assert (
        prints("""
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
        prints("""
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


def test_a_class_of_a_program_is_known_in_its_forks() -> None:
    assert (
        prints("""
    import multiprocessing, pickle
    from wool.values import serializer
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
        prints('''
    import subprocess, sys, textwrap, time
    from wool.values import serializer
    class Meta(type):
        made = []
        def __init__(cls, *args):
            Meta.made.append(1)
            time.sleep(0.05)
    class Thing(metaclass=Meta):
        pass
    READER = textwrap.dedent("""
    import sys, threading
    from wool.values import serializer
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


def test_an_attribute_that_home_sets_is_there_on_workers_that_start_later() -> None:
    assert (
        prints("""
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


@pytest.mark.parametrize("value", ["{'n': %s}", "[%s]", "Box(%s)"])
def test_an_attribute_that_home_sets_twice_is_the_last_one_on_new_workers(value: str) -> None:
    first, second = value % 1, value % 2
    assert (
        prints(f"""
    import dataclasses
    from wool.values import serializer
    @dataclasses.dataclass
    class Box: n: int
    class Settings: it = {first}
    @wool.routine
    async def look(settings): return settings.it
    async def main():
        serializer.dumps_in_band(Settings(), "it")
        address = id(Settings.it)
        for _ in range(1000):  # until it lies where the first one was
            Settings.it = None
            Settings.it = {second}
            if id(Settings.it) == address: break
        async with wool.WorkerPool(size=1): print(await look(Settings()) == {second})
    """)
        == "True\n"
    )
