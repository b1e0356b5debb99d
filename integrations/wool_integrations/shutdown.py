"""Ending open streams when the server is told to stop.

A server such as uvicorn waits for its open connections first and runs the lifespan's shutdown after
that, and does not tell a response that it is waiting for it. An event stream that nobody ends would
hold it for ever.
"""

__all__ = ["SIGNALS", "end_streams_on_signals", "ending"]

import asyncio
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_endings: dict[asyncio.AbstractEventLoop, asyncio.Event] = {}


def ending() -> asyncio.Event | None:
    """Return the event that ends the streams of the running loop; None if nothing sets one."""
    return _endings.get(asyncio.get_running_loop())


@contextmanager
def end_streams_on_signals() -> Generator[asyncio.Event]:
    """End every `EventStream` of the running loop, later ones too, on SIGINT or SIGTERM.

    To be entered while the server runs, in the lifespan: the handlers that the server has installed
    are called as ever, after the streams have been told. Setting the event that this yields does
    the same without a signal, which is the only way outside the main thread. Leaving ends the
    streams too, and puts the handlers back unless somebody replaced them since.

    A client that holds its connection without reading can still keep the server waiting: no
    response can abort a connection. uvicorn's `timeout_graceful_shutdown` limits that.
    """
    loop = asyncio.get_running_loop()
    if loop in _endings:
        yield _endings[loop]
        return
    event = _endings[loop] = asyncio.Event()

    def notify() -> None:
        if loop in _endings:
            loop.call_soon_threadsafe(event.set)

    with ExitStack() as stack:
        stack.callback(_endings.pop, loop)
        stack.callback(event.set)
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                stack.enter_context(_handler_wrapped(number, notify))
        yield event


@contextmanager
def _handler_wrapped(number: signal.Signals, notify: Callable[[], object]) -> Generator[None]:
    previous = signal.getsignal(number)
    # The default and "ignore" are no functions: the process ends at once, or does not end.
    if not callable(previous):
        yield
        return

    def handle(received: int, frame: FrameType | None) -> None:
        try:
            notify()
        finally:
            previous(received, frame)

    signal.signal(number, handle)
    try:
        yield
    finally:
        if signal.getsignal(number) is handle:
            signal.signal(number, previous)
