"""What an error tracker would print: values of local variables, attributes and items, by repr."""

import contextlib
import gc
import inspect
from collections.abc import Iterator
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType

from google.protobuf.message import Message

import wool
from wool.settings import CallSettings

__all__ = ["tokens_in_sight", "worker_shows_tokens"]

_INSIDE = (dict, list, tuple, set, frozenset)  # looked at item by item, as everything is
_DULL = (type, ModuleType, FunctionType, BuiltinFunctionType, FrameType, memoryview)


@wool.routine
async def worker_shows_tokens() -> list[str]:
    return tokens_in_sight()


def tokens_in_sight() -> list[str]:
    """Name the types of values of this process whose repr shows the token of a pool."""
    backwards = [bytes(settings.token)[::-1] for settings in _settings()]
    assert backwards, "no pool, so nothing to look for"
    forms = [form for reverse in backwards for form in (reverse, repr(reverse[::-1])[-2:1:-1])]
    return sorted({type(value).__name__ for value in _values() if _shows(value, forms)})


def _settings() -> list[CallSettings]:
    return [thing for thing in gc.get_objects() if isinstance(thing, CallSettings)]


def _values() -> Iterator[object]:
    """Yield everything that something refers to, but for what a type that keeps secrets holds."""
    frame = inspect.currentframe()
    while frame is not None:
        yield from frame.f_locals.values()
        frame = frame.f_back
    for thing in gc.get_objects():
        yield thing
        if type(thing).__name__ != "Secret":
            yield from gc.get_referents(thing)


def _shows(value: object, forms: list[bytes | str]) -> bool:
    """Tell whether one of `forms`, which are written backwards so as not to be found, is there."""
    if isinstance(value, _INSIDE + _DULL):
        return False
    if isinstance(value, Message):
        value = value.SerializeToString()
    if isinstance(value, bytes | bytearray):
        return any(form in bytes(value)[::-1] for form in forms if isinstance(form, bytes))
    text = value if isinstance(value, str) else ""
    with contextlib.suppress(Exception):
        text = repr(value)
    return any(form in text[::-1] for form in forms if isinstance(form, str))
