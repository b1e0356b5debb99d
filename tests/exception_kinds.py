"""Every exception that Python has, and those that users make, by name; raised here or there."""

import asyncio
import builtins
import enum
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from functools import partial
from typing import Any, NoReturn, Self, cast

import wool
from tests.awkward import HasLock

__all__ = ["BUILTIN", "ENDING", "OWN", "UNPICKLABLE", "raise_kind", "stream_kind"]

_UNICODE: dict[str, tuple[Any, ...]] = {
    "UnicodeDecodeError": ("utf-8", b"\xff", 0, 1, "bad"),
    "UnicodeEncodeError": ("ascii", "\xff", 0, 1, "bad"),
    "UnicodeTranslateError": ("\xff", 0, 1, "bad"),
}


def _family(cls: type[BaseException]) -> Iterator[type[BaseException]]:
    yield cls
    for sub in cls.__subclasses__():
        if getattr(builtins, sub.__name__, None) is sub:
            yield from _family(sub)


def _maker(cls: type[BaseException]) -> Callable[[], BaseException]:
    if issubclass(cls, BaseExceptionGroup):
        return partial(_group, cast("Any", cls))
    if issubclass(cls, SyntaxError):
        return partial(cls, "bad", ("f.py", 3, 1, "x =", 3, 2))
    if issubclass(cls, ImportError):
        return partial(cls, "gone", name="m", path="p")
    if issubclass(cls, OSError):
        return partial(cls, 2, "gone", 5 if cls is BlockingIOError else "from", None, "to")
    if issubclass(cls, AttributeError | NameError):
        return partial(cls, "none", name="n")
    return partial(cls, *_UNICODE.get(cls.__name__, ("a", 1)))


def _group(cls: Any) -> BaseException:
    group: BaseException = cls("group", [ValueError(1), cls("inner", [OSError(2, "gone", "f")])])
    return group


class Two(Exception):
    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"{name}: {code}")
        self.name, self.code = name, code


class KeywordsOnly(ValueError):
    def __init__(self, *, code: int) -> None:
        super().__init__()
        self.code = code


class NoArguments(Exception):
    def __init__(self) -> None:
        self.tried = ["this"]


class Base(BaseException):
    def __init__(self, name: str, code: int) -> None:
        super().__init__(code)
        self.name = name


class Slots(OSError):
    __slots__ = ("__hidden", "code")

    def __init__(self, code: int) -> None:
        super().__init__(2, "gone")
        self.code = code
        self.__hidden = code

    @property
    def hidden(self) -> int:
        return self.__hidden


class Colour(enum.Enum):
    RED = "red"


class Reduced(Exception):
    """Says itself how it is pickled."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__("reduced")
        self.one, self.two = one, two

    def __reduce__(self) -> tuple[Any, ...]:
        return Reduced, (self.one, self.two)


class Refusing(Exception):
    """Is not to be changed, and counts what it has."""

    code: int

    def __init__(self) -> None:
        super().__init__("refusing")
        object.__setattr__(self, "code", 3)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise TypeError("read only")

    def __len__(self) -> int:
        return 0


class Group(ExceptionGroup[Exception]):
    """A group with more to it than its members."""

    code: int

    def __new__(cls, errors: Sequence[Exception], code: int) -> Self:
        self = super().__new__(cls, f"group {code}", errors)
        self.code = code
        return self

    def __init__(self, errors: Sequence[Exception], code: int) -> None:
        """Take other arguments than a group."""


def _noted() -> Exception:
    error = Two("disk", 3)
    error.add_note("a note")
    error.add_note("another")
    error.extra = {"of": ["its", "own"]}  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    return error


def _reduced() -> Exception:
    error = Reduced(1, 2)
    error.add_note("a note that its reduction knows nothing of")
    return error


def _chained() -> Exception:
    try:
        try:
            raise KeywordsOnly(code=1)
        except KeywordsOnly as error:
            raise Two("disk", 3) from error
    except Two as error:
        error.__context__ = Slots(4)
        return error


def _circular() -> Exception:
    error, cause = ValueError("first"), KeyError("second")
    error.__cause__, cause.__context__ = cause, error
    return error


def _nested_groups() -> BaseException:
    member = Two("disk", 3)
    member.__cause__ = KeywordsOnly(code=5)
    inner = BaseExceptionGroup("inner", [member, Base("b", 1)])
    inner.add_note("of the inner group")
    return BaseExceptionGroup("outer", [Group([Slots(1), member], 7), inner])


def _by_value() -> Exception:
    class Local(Two):
        pass

    return Local("local", 4)


BUILTIN = {cls.__name__: _maker(cls) for cls in _family(BaseException)}
ENDING = {"SystemExit": 4, "KeyboardInterrupt": 130}
BUILTIN["SystemExit"] = partial(SystemExit, 4)

OWN: dict[str, Callable[[], BaseException]] = {
    "several arguments": partial(Two, "disk", 3),
    "keywords": partial(KeywordsOnly, code=3),
    "no arguments": NoArguments,
    "a base exception": partial(Base, "b", 3),
    "slots": partial(Slots, 3),
    "an enum": partial(ValueError, Colour.RED, Colour),
    "a reduction": _reduced,
    "refusing": Refusing,
    "a group": partial(Group, [Two("disk", 1), KeywordsOnly(code=2)], 3),
    "notes": _noted,
    "a chain": _chained,
    "a circle": _circular,
    "groups in groups": _nested_groups,
    "cancelled": partial(asyncio.CancelledError, "mine"),
    "incomplete": partial(asyncio.IncompleteReadError, b"ab", 5),
    "by value": _by_value,
}


UNPICKLABLE: dict[str, Callable[[], BaseException]] = {
    "members": lambda: ExceptionGroup("group", [HasLock("locked"), Two("disk", 3)]),
    "cause": lambda: _caused_by(HasLock("locked")),
}


def _caused_by(cause: Exception) -> Exception:
    error = Two("disk", 3)
    error.__cause__ = cause
    return error


def _raise(name: str) -> NoReturn:
    make = (BUILTIN | OWN | UNPICKLABLE)[name]
    raise make()


@wool.routine
async def raise_kind(name: str) -> None:
    """Raise one of them."""
    await asyncio.sleep(0)
    _raise(name)


@wool.routine
async def stream_kind(name: str) -> AsyncGenerator[str, None]:
    """Raise one of them at the second step."""
    yield "first"
    _raise(name)
