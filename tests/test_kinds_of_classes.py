"""Classes of every kind that a program may define come back as they were."""

import pytest

from tests.echoed import prints

pytestmark = pytest.mark.both_loops


def test_an_instance_with_slots_comes_back() -> None:
    assert (
        prints("""
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


def test_members_of_an_enum_are_the_same_after_the_trip() -> None:
    assert (
        prints("""
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


def test_classes_of_many_kinds_come_back_as_they_were() -> None:
    assert (
        prints("""
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
        prints("""
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
        prints("""
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
    assert prints("""
    import threading
    class Guarded:
        guard = threading.Lock()
    async def main():
        async with wool.WorkerPool(size=1):
            try: await echo(Guarded())
            except wool.SerializationError as error: print("'Guarded.guard'" in str(error), error)
    """).startswith("True argument 'value'")


def test_a_model_of_pydantic_travels_and_still_validates() -> None:
    assert (
        prints("""
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


def test_typed_dicts_travel_however_they_are_made() -> None:
    assert (
        prints("""
    Called = typing.TypedDict("Called", {"a": int})
    class First(typing.TypedDict): a: int
    class Second(First, total=False): b: int
    @wool.routine
    async def keys(x: Second) -> Called:
        return [(sorted(c.__annotations__), sorted(c.__required_keys__), c(a=1))
                for c in (Called, First, Second)]
    async def main():
        async with wool.WorkerPool(size=1):
            print(await keys({}) == await keys.local({}), await echo(Second) is Second)
    """)
        == "True True\n"
    )


def test_a_metaclass_that_misses_what_is_set_later_is_named_with_the_cure() -> None:
    ended = prints("""
    class MustRun(type):
        def __new__(meta, name, bases, namespace):
            if bases and "run" not in namespace: raise TypeError(f"{name} must define run()")
            return super().__new__(meta, name, bases, namespace)
    class Base(metaclass=MustRun): pass
    class Job(Base):
        def run(self): return 1
    async def main():
        async with wool.WorkerPool(size=1):
            try: await echo(Job())
            except wool.SerializationError as error: print(error)
    """)
    assert "must define run()" in ended
    assert "metaclass runs again" in ended
    assert "define it in a module that workers can import" in ended
