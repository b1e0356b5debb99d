"""Definitions of what came by value, for processes that may not have it: cloudpickle makes them."""

from __future__ import annotations

__all__ = ["definition"]

import io
import pickle
from collections.abc import Callable
from types import FunctionType
from typing import Any, cast

# Not everybody needs it, and it takes 29 ms: this module is imported when it is wanted.
import cloudpickle  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

from wool.values.apart import PROTOCOL
from wool.worker.children import (
    Namespace,
    globals_of,
    is_of_main,
    made,
    namespace_of,
    place_of,
    settled,
)

_MODULE = ("__package__", "__name__", "__path__", "__file__")
_WITH_SETTER = 6  # parts of a reduction that says how the state is set


def definition(value: object) -> bytes:
    """Pickle a function or a class by value, and what it refers to."""
    file = io.BytesIO()
    cast("pickle.Pickler", _Definitions(file, protocol=PROTOCOL)).dump(value)
    return file.getvalue()


class _Definitions(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles by value, and says of everything that has a place which one it is."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, FunctionType):
            self._share(obj)
        reduce = cast("Callable[[object], Any]", super().reducer_override)  # pyright: ignore[reportUnknownMemberType]
        reduced = reduce(obj)
        if reduced is NotImplemented or len(reduced) < _WITH_SETTER or not is_of_main(obj):
            return reduced
        place = place_of(obj)
        if place is None:
            return reduced
        make, arguments, state, _, _, set_state = reduced
        where = place[0].key, place[1]
        return made, (where, make, arguments), (set_state, state), None, None, settled

    def _share(self, function: FunctionType) -> None:
        namespace = namespace_of(function)
        if namespace is not None:
            references = cast("dict[int, dict[str, Any]]", self.globals_ref)  # pyright: ignore[reportUnknownMemberType]
            references.setdefault(id(function.__globals__), _Shared(namespace))


class _Shared(dict[str, Any]):
    """Stands for the globals of a function while it is pickled."""

    def __init__(self, namespace: Namespace) -> None:
        super().__init__({n: namespace.names[n] for n in _MODULE if n in namespace.names})
        self._key = namespace.key

    def __reduce__(self) -> Any:
        return globals_of, (self._key, dict(self))
