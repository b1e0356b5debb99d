"""What routines log, on its way to the caller's logging."""

from __future__ import annotations

__all__ = ["ForwardingHandler", "levels", "replay"]

import asyncio
import logging
import os
import pickle
import threading
import traceback
from collections.abc import Callable
from contextvars import Context
from typing import Any

from wool.context import log_sink

_LONGEST = 64 * 1024  # characters of a message
_PROCESS = "wool-worker"
_STANDARD = vars(logging.makeLogRecord({})).keys() | {"message", "asctime"}

_formatter = logging.Formatter()

Sink = Callable[[bytes], None]


class ForwardingHandler(logging.Handler):
    """Sends the records of a call to its caller, and all others to `elsewhere`.

    Both are called on `loop`, whichever thread logs.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, elsewhere: Sink) -> None:
        super().__init__()
        self._loop = loop
        self._elsewhere = elsewhere
        self._thread = threading.get_ident()
        self._process = os.getpid()

    def emit(self, record: logging.LogRecord) -> None:
        if os.getpid() != self._process:  # forked by a routine: the link is not this process's
            _to_stderr(record)
            return
        sink = log_sink() or self._elsewhere
        try:
            packed = _pack(record)
            if threading.get_ident() == self._thread:
                sink(packed)
            else:
                self._loop.call_soon_threadsafe(sink, packed)
        except Exception:  # noqa: BLE001 - arguments' __str__ is user code; so do all handlers
            self.handleError(record)


def _to_stderr(record: logging.LogRecord) -> None:
    if logging.lastResort is not None:
        logging.lastResort.handle(record)


def _pack(record: logging.LogRecord) -> bytes:
    state = {name: value for name, value in vars(record).items() if _is_plain(name, value)}
    state |= {
        "msg": record.getMessage()[:_LONGEST],
        "args": None,
        "exc_info": None,
        "exc_text": _exception_text(record),
        "processName": _PROCESS,
    }
    return pickle.dumps(state)


def _is_plain(name: str, value: object) -> bool:
    """Tell whether an attribute can travel; what users add may be anything."""
    if name in _STANDARD or isinstance(value, str | int | float | bool | None):
        return name != "exc_info"
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 - pickling runs user code
        return False
    return True


def _exception_text(record: logging.LogRecord) -> str | None:
    if record.exc_info and record.exc_info[0] is not None:
        return _formatter.formatException(record.exc_info)[-_LONGEST:]
    return record.exc_text


def replay(packed: bytes, context: Context | None = None) -> None:
    """Log here what was logged in a worker, in the context of the call that it belongs to."""
    state: dict[str, Any] = pickle.loads(packed)
    record = logging.makeLogRecord(state)
    logger = logging.getLogger(record.name)
    if not logger.isEnabledFor(record.levelno):
        return
    try:
        if context is None:
            logger.handle(record)
        else:
            context.run(logger.handle, record)
    except Exception:  # noqa: BLE001 - filters are user code; logging itself does the same
        if logging.raiseExceptions:
            traceback.print_exc()


def levels() -> dict[str, int]:
    """Return the levels of the loggers that have one, by name; "" is the root's."""
    found = {"": logging.getLogger().level}
    for name, logger in list(logging.Logger.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and logger.level:
            found[name] = logger.level
    return found
