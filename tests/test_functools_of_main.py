"""What functools makes of a program's functions travels, or an error names it and the cure."""

import pytest

from tests.echoed import prints

pytestmark = pytest.mark.both_loops


@pytest.mark.parametrize("decorator", ["cache", "lru_cache", "lru_cache(maxsize=7, typed=True)"])
def test_a_cached_function_travels_and_its_cache_lasts_on_the_worker(decorator: str) -> None:
    assert (
        prints(f"""
    @functools.{decorator}
    def slow(n):
        "Doubles."
        return 2 * n
    @wool.routine
    async def work(n): return slow(n), slow.cache_info().hits, slow.cache_parameters(), slow.__doc__
    async def main():
        async with wool.WorkerPool(size=1):
            for hits in range(2):
                assert await work(21) == (42, hits, slow.cache_parameters(), "Doubles.")
            print(await echo(slow) is slow, slow.cache_info().misses)
    """)
        == "True 0\n"
    )


def test_a_cached_method_and_a_cached_property_travel() -> None:
    assert (
        prints("""
    class Circle:
        def __init__(self, radius): self.radius = radius
        @functools.cached_property
        def area(self):
            "What it covers."
            self.computed = True
            return 3 * self.radius ** 2
        @functools.lru_cache
        def scaled(self, n): return n * self.radius
        @staticmethod
        @functools.cache
        def unit(): return 1
    @wool.routine
    async def measure(circle):
        return circle.area, circle.area, circle.scaled(3), circle.unit(), Circle.area.__doc__
    async def main():
        async with wool.WorkerPool(size=1):
            print(await measure(Circle(2)))
            print((await echo(Circle(1))).area)
    """)
        == "(12, 12, 6, 1, 'What it covers.')\n3\n"
    )


def test_a_function_dispatched_by_type_travels() -> None:
    assert (
        prints("""
    class Point: pass
    @functools.singledispatch
    def show(value): return "something"
    @show.register
    def _(value: int): return "a number"
    @show.register(Point)
    def _(value): return "a point"
    class Shower:
        @functools.singledispatchmethod
        def show(self, value): return "something"
        @show.register
        def _(self, value: Point): return "a point"
    @wool.routine
    async def shown(values):
        return [show(value) for value in values], [Shower().show(value) for value in values]
    async def main():
        async with wool.WorkerPool(size=1):
            print(await shown([1, Point(), "text"]))
            print(await echo(show) is show)
    """)
        == "(['a number', 'a point', 'something'], ['something', 'a point', 'something'])\nTrue\n"
    )


def test_partial_functions_and_derived_orders_travel() -> None:
    assert (
        prints("""
    @functools.total_ordering
    class Version:
        def __init__(self, n): self.n = n
        def __eq__(self, other): return self.n == other.n
        def __lt__(self, other): return self.n < other.n
        def plus(self, n, *, sign): return sign * n + self.n
        minus = functools.partialmethod(plus, sign=-1)
    def add(a, b): return a + b
    more = functools.partial(add, 1)
    @wool.routine
    async def work(a, b): return a >= b, b.minus(1), more(2)
    async def main():
        async with wool.WorkerPool(size=1): print(await work(Version(1), Version(2)))
    """)
        == "(False, 1, 3)\n"
    )


def test_what_is_found_by_its_name_alone_is_an_error_that_names_it_and_the_cure() -> None:
    assert (
        prints("""
    class Flag:
        def __reduce__(self): return "FLAG"
    FLAG = Flag()
    @wool.routine
    async def uses(): return FLAG
    async def main():
        async with wool.WorkerPool(size=1):
            for call in (echo(FLAG), uses()):
                try: await call
                except wool.SerializationError as error:
                    print("'FLAG'" in str(error), "module" in str(error))
    """)
        == "True True\nTrue True\n"
    )


def test_a_routine_that_a_worker_cannot_read_is_a_serialization_error() -> None:
    assert (
        prints("""
    import os
    HOME = os.getpid()
    class Picky:
        def __setstate__(self, state):
            if os.getpid() != HOME: raise AttributeError("not here")
    picky = Picky()
    picky.n = 1
    @wool.routine
    async def uses(): return picky
    async def main():
        async with wool.WorkerPool(size=1):
            try: await uses()
            except wool.SerializationError as error:
                print("the routine '__main__.uses'" in str(error), "not here" in str(error))
            print(await echo(1))
    """)
        == "True True\n1\n"
    )
