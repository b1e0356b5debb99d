"""Where a pool keeps its sockets: a directory that no other user can enter."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path

__all__ = ["RuntimeDirectory"]

_PREFIX = "wool-"
_LONGEST_SOCKET_NAME = len("/wool-12345678/12345678.sock")
_LONGEST_SOCKET_PATH = 100  # bytes; the system's limit is 104 to 108
_SHORT = "/tmp"  # noqa: S108 - the directory in it gets mode 0700 and a random name


class RuntimeDirectory:
    """A fresh directory of mode 0700, removed at `remove` and at the latest with its owner."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_parent()))
        self._finalizer = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def remove(self) -> None:
        """Remove the directory and all that is in it. To repeat it is harmless."""
        self._finalizer()


def _parent() -> str:
    for place in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()):
        if place and os.access(place, os.W_OK | os.X_OK) and _is_short(place):
            return place
    return _SHORT


def _is_short(place: str) -> bool:
    return len(os.fsencode(place)) + _LONGEST_SOCKET_NAME <= _LONGEST_SOCKET_PATH
