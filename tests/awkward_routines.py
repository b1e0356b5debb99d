"""Routines that return, yield and raise what can hardly travel."""

import asyncio
import builtins
import threading
from collections.abc import AsyncGenerator
from typing import Any, NoReturn

import wool
from tests import awkward
from tests.home import say


@wool.routine
async def fail_with(kind: str) -> NoReturn:
    """Raise what can't be sent as an argument."""
    await asyncio.sleep(0)
    make = getattr(awkward, kind)
    raise (
        awkward.Multiple("disk", code=3) if kind == "Multiple" else make(*_ARGUMENTS.get(kind, ()))
    )


_ARGUMENTS: dict[str, tuple[Any, ...]] = {"HasLock": ("message",), "Slotted": (5,), "Frozen": (5,)}


@wool.routine
async def give(kind: str, error: str = "ValueError") -> Any:
    """Return something awkward."""
    return _awkward(kind, error)


@wool.routine
async def stream_of(kind: str, error: str, home: str) -> AsyncGenerator[Any, None]:
    """Yield something awkward, and fail at the end as well if `home` is "fail"."""
    try:
        yield _awkward(kind, error)
    finally:
        if home == "fail":
            raise LookupError("the clean-up failed")
        say(home, "ended")


def _awkward(kind: str, error: str) -> Any:
    errors = {**vars(builtins), "CancelledError": asyncio.CancelledError, **vars(awkward)}
    return getattr(awkward, kind)(errors[error]("on purpose"))


@wool.routine
async def unsendable_stream(*, ignore_close: bool) -> AsyncGenerator[Any, None]:
    """Yield what can't be pickled."""
    while True:
        try:
            yield threading.Lock()
        except GeneratorExit:
            if not ignore_close:
                raise


def _divide(n: int) -> float:
    return n / 0


@wool.routine
async def chained() -> None:
    """Raise an exception with a cause that has a context, and with a note."""
    try:
        try:
            _divide(1)
        except ZeroDivisionError:
            raise KeyError("missing")  # noqa: B904 - the context is what the test is about
    except KeyError as cause:
        error = ValueError("in the end")
        error.add_note("a note")
        raise error from cause


@wool.routine
async def nested_group() -> None:
    inner = ExceptionGroup("inner", [KeyError("k"), KeyError("l")])
    raise ExceptionGroup("outer", [ValueError("v"), inner])
