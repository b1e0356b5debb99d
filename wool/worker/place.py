"""Where a pool keeps its sockets: a directory that no other user can enter."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
import weakref
from pathlib import Path
from typing import IO

__all__ = ["RuntimeDirectory"]

_PREFIX = "wool-"
_LOCK = "lock"
_LONGEST_SOCKET_NAME = len("/wool-12345678/12345678.sock")
_LONGEST_SOCKET_PATH = 100  # bytes; the system's limit is 104 to 108
_SHORT = "/tmp"  # noqa: S108 - the directory in it gets mode 0700 and a random name
_UNDECIDED = 60.0  # seconds in which a directory without a lock may still be getting one


class RuntimeDirectory:
    """A fresh directory of mode 0700, removed at `remove` and at the latest with its owner.

    What pools have left that were killed together with their janitors is removed first.
    """

    def __init__(self) -> None:
        parent = Path(_parent())
        _sweep(parent)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        try:
            self._lock = _locked(self.path)
        except OSError:
            self.path.rmdir()
            raise
        self._finalizer = weakref.finalize(self, _remove, self.path, os.getpid())

    def remove(self) -> None:
        """Remove the directory and all that is in it. To repeat it is harmless."""
        self._lock.close()  # first: where descriptors are short, to remove takes this one
        self._finalizer()


def _locked(path: Path) -> IO[bytes]:
    """Lock a directory for as long as the process lives: that it can be locked says it is gone."""
    new = path / f"new-{_LOCK}"  # until it is locked, no sweep may see it
    lock = open(new, "wb")  # noqa: PTH123, SIM115
    fcntl.flock(lock, fcntl.LOCK_EX)
    new.rename(path / _LOCK)
    return lock


def _remove(path: Path, owner: int) -> None:
    if os.getpid() == owner:  # and not a process that was forked from it
        _remove_flat(path)


def _remove_flat(path: Path) -> None:
    with contextlib.suppress(OSError):  # another pool's sweep may be quicker
        for name in os.listdir(path):  # noqa: PTH208 - takes one descriptor, and returns it
            (path / name).unlink(missing_ok=True)
        path.rmdir()


def _parent() -> str:
    for place in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()):
        if place and os.access(place, os.W_OK | os.X_OK) and _is_short(place):
            return place
    return _SHORT


def _is_short(place: str) -> bool:
    return len(os.fsencode(place)) + _LONGEST_SOCKET_NAME <= _LONGEST_SOCKET_PATH


def _sweep(parent: Path) -> None:
    for path in parent.glob(f"{_PREFIX}*"):
        try:
            if path.stat().st_uid == os.getuid() and _is_abandoned(path):
                _remove_flat(path)
        except OSError:
            continue  # another pool's sweep was quicker


def _is_abandoned(path: Path) -> bool:
    try:
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return time.time() - path.stat().st_mtime > _UNDECIDED
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
