"""Propagated ContextVars on the wire."""

from __future__ import annotations

__all__ = ["changes", "current", "install"]

from collections.abc import Iterable, Mapping
from functools import partial

from wool.exceptions import MessageTooLarge, SerializationError
from wool.protocol import wire_pb2 as wire
from wool.values import serializer
from wool.values.propagation import (
    UNSET,
    Carried,
    homes_to_tell,
    is_found,
    is_known,
    snapshot,
    update,
)

_LIMIT = 512 * 1024  # bytes: half of what a frame may take beside the value in it


def current() -> list[wire.ContextValue] | None:
    """Describe what the variables hold here, if there are any.

    Raises SerializationError or MessageTooLarge.
    """
    values = snapshot()
    return _packed(values) if values else None


def changes(before: Mapping[str, object]) -> list[wire.ContextValue] | None:
    """Describe what was set here since `before`, a snapshot, if anything. Raises the same."""
    values = snapshot()
    changed = {n: v for n, v in values.items() if v is not before.get(n, UNSET)} if values else {}
    return _packed(changed) if changed else None


def install(described: Iterable[wire.ContextValue]) -> None:
    """Have the variables hold here what is described. Raises SerializationError."""
    update({variable.name: _read(variable) for variable in described})


def _packed(values: Mapping[str, object]) -> list[wire.ContextValue]:
    packed = [wire.ContextValue(name=name, value=_data(name, v)) for name, v in values.items()]
    homes = homes_to_tell()
    for variable in packed if homes else ():
        if variable.name in homes:
            variable.home = homes[variable.name]
    size = sum(len(variable.value) for variable in packed)
    if size > _LIMIT:
        largest = max(packed, key=lambda variable: len(variable.value))
        raise MessageTooLarge(
            f"the propagated context variables take {size:,} bytes, {largest.name!r} most of them, "
            f"and may take {_LIMIT:,}; pass what is large as an argument",
            size=size,
            limit=_LIMIT,
        )
    return packed


def _data(name: str, value: object) -> bytes | None:
    if value is UNSET:
        return None
    if isinstance(value, Carried):
        return value.data
    what = f"the context variable {name!r}"
    try:
        return serializer.dumps_in_band(value, what)
    except SerializationError:
        raise
    except BaseException as error:
        raise serializer.unpicklable(value, what, error) from error


def _read(variable: wire.ContextValue) -> object:
    known = is_known(variable.name) or is_found(variable.name, variable.home)
    if not variable.HasField("value"):
        return UNSET
    load = partial(serializer.loads, variable.value)
    if not known:
        return Carried(variable.value, load)
    try:
        return load()
    except BaseException as error:
        raise serializer.unreadable(f"the context variable {variable.name!r}", error) from error
