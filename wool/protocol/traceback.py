"""Tracebacks that travel: a remote one is shown in the caller's as if it went on there."""

from __future__ import annotations

__all__ = ["entries", "rebuild"]

import types
from collections.abc import Generator, Iterable, Iterator
from typing import cast

from wool.protocol import wire_pb2 as wire

_HIDDEN = __name__.partition(".")[0]


def entries(traceback: types.TracebackType | None) -> Iterator[wire.Entry]:
    """Describe a traceback, outermost call first, less the frames of wool itself."""
    while traceback is not None:
        frame = traceback.tb_frame
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] != _HIDDEN:
            yield wire.Entry(
                file=frame.f_code.co_filename.encode(errors="backslashreplace").decode(),
                line=traceback.tb_lineno or 0,
                name=frame.f_code.co_qualname,
            )
        traceback = traceback.tb_next


def rebuild(described: Iterable[wire.Entry]) -> types.TracebackType | None:
    """Make a traceback that prints as the remote one did."""
    traceback: types.TracebackType | None = None
    for entry in reversed(list(described)):
        # Without an instruction's index the interpreter draws no carets, which would be wrong.
        traceback = types.TracebackType(traceback, _frame(entry), -1, entry.line)
    return traceback


def _template() -> Generator[None, None, None]:
    yield


def _frame(entry: wire.Entry) -> types.FrameType:
    """Return a frame that has the name and the file of the remote one, and nothing else of it."""
    code = _template.__code__.replace(
        co_filename=entry.file, co_name=entry.name.rpartition(".")[2], co_qualname=entry.name
    )
    # A generator's, since nobody called it: others lead to their callers, and keep them alive.
    make = types.FunctionType(code, {"__name__": "remote"})
    return cast("types.FrameType", make().gi_frame)
