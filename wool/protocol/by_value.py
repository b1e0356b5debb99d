"""Functions and classes that another process can't import, sent whole, by cloudpickle.

With two differences: a class that comes back to the process that it is from stays as it is there,
where cloudpickle finds it again, but then gives it the attributes that its copy had. And a
propagated ContextVar is the one of its name at the other end.
"""

from __future__ import annotations

__all__ = ["dumps", "loads"]

import io
import pickle
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, cast
from weakref import WeakSet

# Not everybody needs it, and it takes 29 ms: this module is imported when it is wanted.
import cloudpickle  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

from wool.propagation import described, is_propagated, named

_originals: WeakSet[type] = WeakSet()
_copies: WeakSet[type] = WeakSet()


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def reducer_override(self, obj: object) -> Any:
        if isinstance(obj, type) and obj not in _copies:
            _originals.add(obj)
        if isinstance(obj, ContextVar):
            return _by_name(obj)  # pyright: ignore[reportUnknownArgumentType]
        reduce = cast("Callable[[object], Any]", super().reducer_override)  # pyright: ignore[reportUnknownMemberType]
        return reduce(obj)


def _by_name(var: ContextVar[Any]) -> tuple[Callable[..., ContextVar[Any]], tuple[Any, ...]]:
    if not is_propagated(var):
        raise TypeError(
            f"the ContextVar {var.name!r} has no meaning in another process; "
            f"wool.propagate({var.name}) gives it one"
        )
    return named, described(var)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        found = super().find_class(module_name, global_name)
        if global_name == "_class_setstate" and module_name.startswith("cloudpickle"):
            return _keeping_originals(found)
        return found


def _keeping_originals(set_state: Callable[[type, Any], type]) -> Callable[[type, Any], type]:
    def set_state_of_copy(cls: type, state: Any) -> type:
        if cls in _originals:
            return cls
        _copies.add(cls)
        return set_state(cls, state)

    return set_state_of_copy


def dumps(value: object, buffer_callback: Callable[[pickle.PickleBuffer], bool] | None) -> bytes:
    """Pickle `value`, by value what can't be imported elsewhere."""
    file = io.BytesIO()
    pickler = _Pickler(file, protocol=5, buffer_callback=buffer_callback)
    cast("pickle.Pickler", pickler).dump(value)
    return file.getvalue()


def loads(data: bytes, buffers: Iterable[Any]) -> Any:
    """Unpickle what `dumps` made."""
    return _Unpickler(io.BytesIO(data), buffers=buffers).load()
