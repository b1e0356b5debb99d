"""Where a pool keeps its sockets: a directory that no other user can enter."""

from __future__ import annotations

__all__ = ["RuntimeDirectory"]

import contextlib
import fcntl
import os
import stat
import tempfile
import time
import weakref
from pathlib import Path
from typing import IO

_PREFIX = "wool-"
_LOCK = "pool.lock"
_NEW_LOCK = f"new-{_LOCK}"
_HALF_MADE = 60.0  # seconds; a directory whose lock is new for longer was left half made
_OURS = (".lock", ".sock")
_PRIVATE = 0o700
_LONGEST_SOCKET_NAME = len("/wool-12345678/12345678.sock")
_LONGEST_SOCKET_PATH = 100  # bytes; the system's limit is 104 to 108
_SHORT = "/tmp"  # noqa: S108 - the directory in it gets mode 0700 and a random name


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
            with contextlib.suppress(FileNotFoundError):
                self.path.rmdir()
            raise
        self._finalizer = weakref.finalize(self, _remove, self.path, os.getpid())

    def remove(self) -> None:
        """Remove the directory and all that is in it. To repeat it is harmless."""
        self._lock.close()  # first: where descriptors are short, to remove takes this one
        self._finalizer()


def _locked(path: Path) -> IO[bytes]:
    """Lock a directory for as long as the process lives: that it can be locked says it is gone."""
    new = path / _NEW_LOCK  # until it is locked, no sweep may see it
    lock = open(new, "wb")  # noqa: PTH123, SIM115
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        new.rename(path / _LOCK)
    except OSError:
        lock.close()  # first: where descriptors are short, to remove takes this one
        _remove_ours(path)
        raise
    return lock


def _remove(path: Path, owner: int) -> None:
    if os.getpid() == owner:  # and not a process that was forked from it
        _remove_ours(path)


def _remove_ours(path: Path) -> None:
    """Remove what a pool puts there, and the directory if that was all."""
    with contextlib.suppress(OSError):  # another pool's sweep may be quicker
        for name in os.listdir(path):  # noqa: PTH208 - takes one descriptor, and returns it
            if name.endswith(_OURS):
                (path / name).unlink(missing_ok=True)
        path.rmdir()


def _parent() -> str:
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()):
        if parent and os.access(parent, os.W_OK | os.X_OK) and _is_short(parent):
            return parent
    return _SHORT


def _is_short(parent: str) -> bool:
    return len(os.fsencode(parent)) + _LONGEST_SOCKET_NAME <= _LONGEST_SOCKET_PATH


def _sweep(parent: Path) -> None:
    for path in parent.glob(f"{_PREFIX}????????"):
        with contextlib.suppress(OSError):  # another pool's sweep was quicker
            lock = path / _LOCK
            if not lock.exists():
                lock = path / _NEW_LOCK
                if time.time() - lock.lstat().st_mtime < _HALF_MADE:
                    continue
            if _is_ours(path, lock) and _is_abandoned(lock):
                _remove_ours(path)


def _is_ours(path: Path, lock: Path) -> bool:
    """Tell whether a directory is certainly one that a pool of this user made."""
    directory, file = path.lstat(), lock.lstat()
    return (
        stat.S_ISDIR(directory.st_mode)
        and stat.S_IMODE(directory.st_mode) == _PRIVATE
        and stat.S_ISREG(file.st_mode)
        and directory.st_uid == file.st_uid == os.getuid()
    )


def _is_abandoned(lock: Path) -> bool:
    with open(lock, "rb") as file:  # noqa: PTH123
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
