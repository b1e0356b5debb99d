"""Values to bytes and back: pickle where it can, cloudpickle where it has to.

Functions and classes of `__main__`, closures and lambdas travel by value, all else by reference.
"""

from __future__ import annotations

__all__ = [
    "Buffer",
    "Pickled",
    "dumps",
    "dumps_in_band",
    "loads",
    "unpicklable",
    "unreadable",
]

import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wool.exceptions import MessageTooLarge, SerializationError
from wool.values import by_value

Buffer = bytes | bytearray | memoryview

_PROTOCOL = 5
_OUT_OF_BAND = 64 * 1024  # bytes; below it, copying is cheaper than a buffer of its own
_MAIN = b"__main__"


@dataclass(frozen=True, slots=True)
class Pickled:
    """A pickled value and the large buffers that go beside it, uncopied."""

    data: bytes
    buffers: Sequence[memoryview] = ()

    @property
    def size(self) -> int:
        """All of it, in bytes."""
        if not self.buffers:
            return len(self.data)
        return len(self.data) + sum(buffer.nbytes for buffer in self.buffers)


def dumps(value: object, what: str, limit: int) -> Pickled:
    """Pickle `value`, which `what` names in errors.

    Raises SerializationError, and MessageTooLarge if it takes more than `limit` bytes.
    """
    buffers: list[memoryview] = []

    def keep_in_band(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < _OUT_OF_BAND:
            return True
        buffers.append(raw)
        return False

    try:
        pickled = Pickled(_dumps(value, buffers, keep_in_band), buffers)
    except KeyboardInterrupt:  # the user's, at the caller
        raise
    except BaseException as error:
        raise unpicklable(value, what, error) from error
    if pickled.size > limit:
        raise MessageTooLarge.of(what, pickled.size, limit)
    return pickled


def dumps_in_band(value: object, what: str) -> bytes:
    """Pickle `value` into bytes alone. Raises SerializationError."""
    try:
        return _dumps(value, [], None)
    except Exception as error:
        raise unpicklable(value, what, error) from error


def loads(data: bytes, buffers: Sequence[Buffer] = ()) -> Any:
    """Unpickle. Raises whatever the value's own code raises."""
    if by_value.is_by_value(data):
        return by_value.loads(data, buffers)
    return pickle.loads(data, buffers=buffers)


def _dumps(
    value: object,
    buffers: list[memoryview],
    callback: Callable[[pickle.PickleBuffer], bool] | None,
) -> bytes:
    if not _by_value_registry():
        try:
            data = pickle.dumps(value, _PROTOCOL, buffer_callback=callback)
        except Exception:  # noqa: BLE001 - cloudpickle may know better, and says why if not
            data = _MAIN
        # What pickle refers to in __main__ is not there in another process.
        if _MAIN not in data:
            return data
    buffers.clear()
    return by_value.dumps(value, callback)


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
