"""What routines log, on its way to the caller's logging."""

from __future__ import annotations

__all__ = ["ForwardingHandler", "levels", "notice_of_dropped", "replay"]

import asyncio
import logging
import os
import pickle
import threading
import traceback
from collections import Counter
from collections.abc import Mapping
from contextvars import Context
from typing import Any

from wool.context import log_sink
from wool.logs.crossing import Crossing
from wool.types import LogSink

_LONGEST = 64 * 1024  # characters of a message, a traceback or a stack; bytes of all that is added
_PROCESS = "wool-worker"
_OUTLET = "wool.logs.outlet"  # the logger that tells how many records were dropped
_STANDARD = vars(logging.makeLogRecord({})).keys() | {"message", "asctime"}

_formatter = logging.Formatter()


class ForwardingHandler(logging.Handler):
    """Sends the records of a call to its caller, and all others to `elsewhere`.

    Both get them on `loop`, whichever thread logs.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, elsewhere: LogSink) -> None:
        super().__init__()
        self._loop = loop
        self._crossing = Crossing(loop)
        self._elsewhere = elsewhere
        self._thread = threading.get_ident()
        self._process = os.getpid()

    def emit(self, record: logging.LogRecord) -> None:
        # Forked by a routine, whose link is not this process's; or the worker has ended all else.
        if os.getpid() != self._process or self._loop.is_closed():
            _to_stderr(record)
            return
        sink = log_sink() or self._elsewhere
        try:
            packed, counts = _pack(record), _counts(record)
            if threading.get_ident() == self._thread:
                sink.take(packed, counts)
            else:
                self._crossing.take(sink, packed, counts)
        except Exception:  # noqa: BLE001 - arguments' __str__ is user code; so do all handlers
            self.handleError(record)


def _to_stderr(record: logging.LogRecord) -> None:
    if logging.lastResort is not None:
        logging.lastResort.handle(record)


def _pack(record: logging.LogRecord) -> bytes:
    """Return a record as it travels: its message formatted, and what can't travel left out."""
    state = {name: value for name, value in vars(record).items() if name in _STANDARD}
    state |= {
        "msg": record.getMessage()[:_LONGEST],
        "args": None,
        "exc_info": None,
        "exc_text": _exception_text(record),
        "stack_info": record.stack_info and record.stack_info[:_LONGEST],
        "processName": _PROCESS,
    }
    return pickle.dumps((state, _packed_extras(record)))


def notice_of_dropped(lost: Counter[str]) -> bytes:
    """Return a record, as it travels, that tells how many were dropped, by logger's first name."""
    families = ", ".join(f"{count:,} of {family!r}" for family, count in lost.most_common())
    message = (
        f"{lost.total():,} log records were dropped, since they came faster than this process, or "
        f"one on the way, read them: {families}"
    )
    record = logging.LogRecord(_OUTLET, logging.WARNING, __file__, 0, message, (), None)
    record.dropped = dict(lost)
    return _pack(record)


def _counts(record: logging.LogRecord) -> Mapping[str, int]:
    """Tell how many records one stands for: of those that were dropped, one tells for all."""
    dropped: dict[str, int] | None = getattr(record, "dropped", None)
    if dropped is not None and record.name == _OUTLET:
        return dropped
    return {record.name.partition(".")[0]: 1}


def _packed_extras(record: logging.LogRecord) -> dict[str, bytes]:
    """Pickle what users added, each by itself: what can't travel stays behind, alone."""
    extras = dict[str, bytes]()
    room = _LONGEST
    for name, value in vars(record).items():
        if name in _STANDARD:
            continue
        try:
            packed = pickle.dumps(value)
        except Exception:  # noqa: BLE001, S112 - pickling runs user code
            continue
        if len(packed) <= room:
            room -= len(packed)
            extras[name] = packed
    return extras


def _exception_text(record: logging.LogRecord) -> str | None:
    if record.exc_info and record.exc_info[0] is not None:
        return _formatter.formatException(record.exc_info)[-_LONGEST:]
    return record.exc_text


def replay(packed: bytes, context: Context | None = None) -> None:
    """Log here what was logged in a worker, in the context of the call that it belongs to."""
    try:
        if context is None:
            _handle(packed)
        else:
            context.run(_handle, packed)
    except (Exception, asyncio.CancelledError):  # noqa: BLE001 - factories, filters: user code
        if logging.raiseExceptions:  # logging itself does the same
            traceback.print_exc()


def _handle(packed: bytes) -> None:
    state, extras = pickle.loads(packed)
    logger = logging.getLogger(state["name"])
    if not logger.isEnabledFor(state["levelno"]):
        return
    place = (state["name"], state["levelno"], state["pathname"], state["lineno"])
    record = logging.getLogRecordFactory()(*place, state["msg"], (), None, state["funcName"])
    vars(record).update({**state, **_unpacked(extras)})
    logger.handle(record)


def _unpacked(extras: dict[str, bytes]) -> dict[str, Any]:
    values = dict[str, Any]()
    for name, packed in extras.items():
        try:
            values[name] = pickle.loads(packed)
        except Exception:  # noqa: BLE001, S112 - unpickling runs user code
            continue
    return values


def levels() -> dict[str, int]:
    """Return the levels of the loggers that have one, by name; "" is the root's."""
    found = {"": logging.getLogger().level}
    for name, logger in list(logging.Logger.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and logger.level:
            found[name] = logger.level
    return found
