"""The worker's entry: becomes like its parent, then runs until it is told to stop.

Arguments are the numbers of two descriptors: the control channel's, and the standard error that
the worker is to have once it is ready. Until then it writes to a file that its parent reads if the
worker does not come up.
"""

from __future__ import annotations

__all__ = ["main"]

import asyncio
import builtins
import os
import select
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Literal, cast

from wool.protocol import wire_pb2 as wire
from wool.worker.control import receive_start
from wool.worker.runtime import Runtime

_ORPHANED = 1  # exit status; nobody is left to read it
_KEPT = 64 * 1024  # bytes


def main() -> None:
    """Run a worker until its parent stops it or dies."""
    control = socket.socket(fileno=int(sys.argv[1]))
    stderr = int(sys.argv[2])
    for descriptor in (control.fileno(), stderr):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - its only form
    # A terminal's Ctrl-C, and a service manager's request to end, are the parent's to handle.
    # A handler, unlike SIG_IGN, is not inherited by what routines start.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ignore)
    try:
        start = receive_start(control)
    except (EOFError, OSError):
        sys.exit(_ORPHANED)
    watched = os.dup(control.fileno())  # its own, since the loop closes the other
    threading.Thread(target=_die_with_parent, args=(watched,), daemon=True).start()
    _become_like_the_parent(start)
    runtime = Runtime(start, control, lambda: _open_stderr(stderr))
    with asyncio.Runner(loop_factory=_loop_factory(start)) as runner:
        try:
            stopped = runner.run(runtime.run())
        except (EOFError, ConnectionError):  # from the control channel: the parent is gone
            os._exit(_ORPHANED)
        if not stopped:
            # A routine ignores its cancellation; the runner would wait for it without an end.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Take a signal and do nothing."""


def _die_with_parent(control: int) -> None:
    """Wait until the parent's end of the control channel is gone, and end at once.

    This thread does so even while a routine blocks the loop.
    """
    poll = select.poll()
    poll.register(control, 0)  # hang-up is reported always; what can be read is not our business
    while not any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll()):
        pass
    os._exit(_ORPHANED)


def _become_like_the_parent(start: wire.Start) -> None:
    sys.argv = [""]
    sys.path[:] = [os.fsdecode(entry) for entry in start.sys_path]
    os.chdir(start.directory)
    if start.HasField("pythonpath"):
        os.environb[b"PYTHONPATH"] = start.pythonpath
    else:
        os.environ.pop("PYTHONPATH", None)
    warnings.resetwarnings()
    for line in start.warning_filters:
        category: type[Warning] = getattr(builtins, line.category)
        action = cast("Literal['default']", line.action)
        warnings.filterwarnings(action, line.message, category, line.module, line.line, append=True)


def _loop_factory(start: wire.Start) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the kind of loop that the parent runs on."""
    if not start.uvloop:
        return None
    import uvloop

    return uvloop.new_event_loop


def _open_stderr(descriptor: int) -> None:
    """Write to the parent's standard error from now on, beginning with what was kept back."""
    kept = os.pread(sys.stderr.fileno(), _KEPT, 0)
    os.dup2(descriptor, sys.stderr.fileno())
    os.close(descriptor)
    sys.stderr.buffer.write(kept)
    sys.stderr.flush()
