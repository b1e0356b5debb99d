"""Values to bytes and back: pickle where it can, cloudpickle where it has to.

Functions and classes of `__main__`, closures and lambdas travel by value, all else by reference.
"""

from __future__ import annotations

__all__ = [
    "Buffer",
    "Pickled",
    "dumps",
    "dumps_function",
    "dumps_in_band",
    "loads",
    "unpicklable",
    "unreadable",
]

import contextlib
import pickle
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from wool.exceptions import MessageTooLarge, SerializationError
from wool.tasks import qualified_name
from wool.values import apart, by_value
from wool.values.apart import PROTOCOL, Buffer
from wool.values.kept import kept

_BESIDE = 32 * 1024  # bytes; a pickle of more goes as a buffer, which no message copies
_SHORT = 1024  # bytes, up to which `in` is faster than a regular expression
_ATOMS = frozenset({bool, bytearray, bytes, complex, float, int, str, type(None)})
_FEW = 4  # items of a container, and containers in each other
_MAIN = b"\x8c\x08__main__"  # as the name of a module stands in a pickle
_names_main = re.compile(re.escape(_MAIN)).search  # `in` takes ten times as long on underscores


@dataclass(slots=True)
class Pickled:
    """A pickled value and the large buffers that go beside it, uncopied."""

    data: bytes
    """The pickle; empty if that is large and is the first of the buffers."""
    buffers: Sequence[Buffer] = ()

    @property
    def size(self) -> int:
        """All of it, in bytes."""
        return len(self.data) + sum(map(len, self.buffers))


def dumps(value: object, what: Callable[[], str], limit: int) -> Pickled:
    """Pickle `value`, which `what` names in errors, should there be one.

    Raises SerializationError, and MessageTooLarge if it takes more than `limit` bytes.
    """
    try:
        data, buffers = _dumps(value)
    except KeyboardInterrupt:  # the user's, at the caller
        raise
    except BaseException as error:
        raise unpicklable(value, what(), error) from error
    if not buffers and len(data) <= min(limit, _BESIDE):
        return Pickled(data)
    pickled = Pickled(data, buffers) if len(data) <= _BESIDE else Pickled(b"", [data, *buffers])
    if pickled.size > limit:
        raise MessageTooLarge.of(what(), pickled.size, limit)
    return pickled


def dumps_in_band(value: object, what: str) -> bytes:
    """Pickle `value` into bytes alone. Raises SerializationError."""
    try:
        return _dumps_in_band(value)
    except Exception as error:
        raise unpicklable(value, what, error) from error


def dumps_function(function: Callable[..., Any]) -> tuple[bytes, bool]:
    """Pickle the function of a routine by value, or return its pickle if it is kept.

    Tell, too, whether it is: then it will be the same, unless the function changes. Raises
    SerializationError.
    """
    # Of a registry of modules that go by value nobody tells when it changes.
    by_registry = _by_value_registry()
    data = None if by_registry else kept.find(function)
    if data is not None:
        return data, True
    try:
        return (by_value.dumps(function), False) if by_registry else kept.dumps(function)
    except Exception as error:
        what = f"the routine {qualified_name(function)!r}"
        raise unpicklable(function, what, error) from error


def loads(data: bytes, buffers: Sequence[Buffer] = ()) -> Any:
    """Unpickle what `Pickled` holds. Raises whatever the value's own code raises."""
    if not data and buffers:
        data, buffers = bytes(buffers[0]), buffers[1:]
    if by_value.is_by_value(data):
        return by_value.loads(data, buffers)
    return pickle.loads(data, buffers=buffers)


def _dumps_in_band(value: object) -> bytes:
    if not _by_value_registry():
        # cloudpickle may know better, and says why if not.
        with contextlib.suppress(Exception):
            data = pickle.dumps(value, PROTOCOL)
            if not _is_of_main(data):
                return data
    return by_value.dumps(value)


def _dumps(value: object) -> tuple[bytes, Sequence[Buffer]]:
    if not _by_value_registry():
        try:
            data, buffers = apart.dumps(value)
        except Exception:  # noqa: BLE001 - cloudpickle may know better, and says why if not
            return by_value.dumps_apart(value)
        # What pickle refers to in __main__ is not there in another process.
        if len(data) <= _SHORT:
            is_of_main = _MAIN in data
        else:
            is_of_main = not _is_data(value) and _is_of_main(data)
        if not is_of_main:
            return data, buffers
    return by_value.dumps_apart(value)


def _is_data(value: Any, depth: int = _FEW) -> bool:
    """Tell whether a value is a number or text, or a few of them: it takes no search to know."""
    kind = cast("Any", type(value))
    if kind in _ATOMS:
        return True
    if kind not in (dict, list, tuple) or not depth or len(value) > _FEW:
        return False
    items = (*value, *value.values()) if kind is dict else value
    return all(_is_data(each, depth - 1) for each in items)


def _is_of_main(data: bytes) -> bool:
    return _MAIN in data if len(data) <= _SHORT else _names_main(data) is not None


def _by_value_registry() -> bool:
    """Tell whether the user asked cloudpickle to send whole modules by value."""
    # Another thread may be importing it just now: then nothing is registered yet.
    registry = getattr(sys.modules.get("cloudpickle"), "list_registry_pickle_by_value", None)
    return registry is not None and bool(registry())


def unpicklable(value: object, what: str, error: BaseException) -> SerializationError:
    """Return the error for a value that can't be pickled."""
    name = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    return SerializationError(
        f"{what}, of type {name!r}, can't be pickled: {_said(error)}", what=what, type=name
    )


def unreadable(what: str, error: BaseException) -> SerializationError:
    """Return the error for a value that can't be unpickled."""
    return SerializationError(
        f"{what} can't be unpickled at the other end: {_said(error)}", what=what
    )


def _said(error: BaseException) -> str:
    try:
        return f"{type(error).__qualname__}: {error}"
    except BaseException:  # noqa: BLE001 - __str__ is user code
        return type(error).__qualname__
