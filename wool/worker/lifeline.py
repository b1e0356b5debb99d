"""A worker ends with its parent, whatever it does at that moment.

The worker has a pipe on which nothing ever comes and whose other end is the parent's. When that is
gone, Linux kills the worker: no thread has to wait for it, so that a routine can fork as in a plain
program, and it works while C code holds the interpreter or the process is stopped. Where the system
can't, a thread waits.
"""

from __future__ import annotations

__all__ = ["hold"]

import fcntl
import os
import select
import signal
import sys
import threading

from wool.support.forks import close_in_forks
from wool.worker.ending import ORPHANED


def hold(lifeline: int) -> None:
    """End this process, but no fork of it, as soon as the other end of the pipe is closed."""
    close_in_forks(lifeline)
    if not _have_the_system_kill(lifeline):
        threading.Thread(target=_wait_for_the_end, args=(lifeline,), daemon=True).start()
    elif _has_ended(lifeline, timeout=0):  # before the system was asked to tell
        os._exit(ORPHANED)


def _have_the_system_kill(lifeline: int) -> bool:
    """Have the system send SIGKILL when the pipe ends; tell whether it will."""
    if sys.platform != "linux":
        return False
    try:
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_RDONLY | os.O_ASYNC)
    except OSError:  # a kernel that only looks like Linux
        return False
    return True


def _wait_for_the_end(lifeline: int) -> None:
    _has_ended(lifeline, timeout=None)
    os._exit(ORPHANED)


def _has_ended(lifeline: int, timeout: float | None) -> bool:
    poll = select.poll()
    poll.register(lifeline, 0)  # a hang-up is reported always
    return bool(poll.poll(timeout))
