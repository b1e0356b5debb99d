"""Values with functions and classes that another process can't import."""

from __future__ import annotations

__all__ = ["dumps", "dumps_apart", "dumps_with_parts", "is_by_value", "load_function", "loads"]

import io
import pickle
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from wool.values.apart import PROTOCOL, Apart, Buffer, Writable
from wool.values.identities import identities
from wool.values.namespaces import Namespace
from wool.values.parts import Key, Part
from wool.values.reader import Reading, read

_CACHED = 64 * 1024  # bytes of a function; a larger one carries data, and is not kept
_END = b"\0"  # a pickle ends with another byte
_LENGTH = 8  # bytes of the length of the parts, before the end


class _Read(NamedTuple):
    function: Callable[..., Any]
    globals: list[tuple[Namespace, int]]


def dumps(value: object) -> bytes:
    """Pickle `value`, with the classes, functions and globals that it needs."""
    return dumps_with_parts(value)[0]


def dumps_with_parts(value: object) -> tuple[bytes, list[tuple[Key, Part]]]:
    """Pickle `value` like `dumps`; say what it needs, too."""
    body = io.BytesIO()
    parts = _write(value, body, None)
    return _whole(body.getvalue(), parts), parts


def dumps_apart(value: object) -> tuple[bytes, list[Buffer]]:
    """Pickle `value` like `dumps`, with what is large in it beside the pickle."""
    body = Apart()
    parts = _write(value, body, body.keep_in_band)
    data, buffers = body.take()
    return _whole(data, parts), buffers


def _write(
    value: object, file: Writable, callback: Callable[[pickle.PickleBuffer], bool] | None
) -> list[tuple[Key, Part]]:
    # It imports cloudpickle, which takes 29 ms and which not everybody needs.
    from wool.values.writer import write

    return write(value, file, callback)


def _whole(body: bytes, described: list[tuple[Key, Part]]) -> bytes:
    table = [(key, *part) for key, part in described]
    parts = pickle.dumps((identities.process, table), PROTOCOL)
    return b"".join((body, parts, len(parts).to_bytes(_LENGTH), _END))


def is_by_value(data: bytes) -> bool:
    """Tell whether `dumps` of this module made `data`, and not a pickle alone."""
    return data[-1:] == _END


def loads(data: bytes, buffers: Iterable[Any] = ()) -> Any:
    """Unpickle what `dumps` made."""
    return read(data, _reading(data), buffers)


def load_function(data: bytes) -> Callable[..., Any]:
    """Unpickle a function. The same bytes are the same function, unless its globals changed."""
    if len(data) > _CACHED:
        function: Callable[..., Any] = loads(data)
        return function
    kept = _kept(data)
    if not kept or any(namespace.changes != changes for namespace, changes in kept[0].globals):
        reading = _reading(data)
        function = read(data, reading, ())
        seen = [(namespace, namespace.changes) for namespace in reading.globals.namespaces.values()]
        kept[:] = [_Read(function, seen)]
    return kept[0].function


@lru_cache(maxsize=256)
def _kept(data: bytes) -> list[_Read]:
    """Return where the function of these bytes is kept."""
    del data
    return []


def _reading(data: bytes) -> Reading:
    end = len(data) - _LENGTH - len(_END)
    length = int.from_bytes(data[end : end + _LENGTH])
    sender, parts = pickle.loads(data[end - length : end])
    return Reading(sender, {key: Part(*part) for key, *part in parts})
