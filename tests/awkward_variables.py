"""Values of context variables that make trouble on their way."""

import asyncio
from contextvars import ContextVar
from typing import Any, NoReturn

import wool
from tests.home import say, told

__all__ = ["AWKWARD", "OneWay", "fails_with", "sets_what_exits", "waits_with"]

AWKWARD: ContextVar[Any] = ContextVar("tests_awkward")
wool.propagate(AWKWARD)


def _never(*args: object) -> NoReturn:
    raise LookupError("it can't be read back")


class OneWay:
    """Can be pickled, but not unpickled."""

    def __reduce__(self) -> Any:
        return _never, ()


class Exits:
    """Ends the process that pickles it, if it can."""

    def __reduce__(self) -> Any:
        raise SystemExit(3)


@wool.routine
async def fails_with() -> None:
    AWKWARD.set(OneWay())
    raise KeyError("the routine's own")


@wool.routine
async def waits_with(home: str) -> None:
    AWKWARD.set(OneWay())
    say(home, "waiting")
    await told(home, "never")


@wool.routine
async def sets_what_exits() -> None:
    await asyncio.sleep(0)
    AWKWARD.set(Exits())
