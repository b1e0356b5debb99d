"""Giving an object that is there the contents of a new one, for all that hold it."""

from __future__ import annotations

__all__ = ["keeps_identity", "take_in"]

import copyreg
from typing import Any, cast


class _Plain:
    pass


_CONTAINERS = frozenset({bytearray, dict, list, set})
_OWN_WAYS = ("__setstate__", "__getnewargs__", "__getnewargs_ex__")


def keeps_identity(kind: type) -> bool:
    """Tell whether objects of a type can take in what is in another of it."""
    if kind in _CONTAINERS:
        return True
    plainly: Any = object
    return (
        _layout(kind) == _layout(_Plain)
        and (kind.__reduce_ex__, kind.__reduce__) == (plainly.__reduce_ex__, plainly.__reduce__)
        and getattr(kind, "__getstate__", None) is plainly.__getstate__
        and kind not in copyreg.dispatch_table
        and not any(hasattr(kind, name) for name in _OWN_WAYS)
    )


def _layout(kind: type) -> tuple[int, int, int]:
    """Return what tells instances that have a `__dict__` and nothing beside."""
    return kind.__basicsize__, kind.__dictoffset__, kind.__weakrefoffset__


def take_in(old: Any, new: Any) -> None:
    """Give `old` what is in `new`, of its type. BufferError: it has views that are in use."""
    kind = cast("Any", type(old))
    if kind is list or kind is bytearray:
        old[:] = new
    elif kind is dict or kind is set:
        old.clear()
        old.update(new)
    else:
        object.__setattr__(old, "__dict__", new.__dict__.copy())  # whatever its class forbids
