"""From an address to its carrier. No other room names one.

unix:PATH       a unix socket at that path, for processes of this machine
memory:NAME     a name, where both ends are in one process
"""

from __future__ import annotations

__all__ = ["connect", "listener", "memory_address", "unix_address"]

import errno
import os

from wool.transport import memory_listener, unix
from wool.transport.link import Link, Listener
from wool.transport.memory_listener import MemoryListener
from wool.transport.unix_listener import UnixListener

_MEMORY = "memory"
_UNIX = "unix"


def memory_address(name: str) -> str:
    """Return the address of a name in this process."""
    return f"{_MEMORY}:{name}"


def unix_address(path: str | os.PathLike[str]) -> str:
    """Return the address of a unix socket."""
    return f"{_UNIX}:{os.fspath(path)}"


async def connect(address: str, max_message_size: int) -> Link:
    """Open a link to whoever listens at `address`. Raises OSError."""
    carrier, where = _parts(address)
    if carrier == _UNIX:
        return await unix.connect(where, max_message_size)
    if carrier == _MEMORY:
        return await memory_listener.connect(address, where, max_message_size)
    raise _unknown(address)


def listener(address: str, max_message_size: int) -> Listener:
    """Return what listens at `address` once it is opened. Raises OSError."""
    carrier, where = _parts(address)
    if carrier == _UNIX:
        return UnixListener(address, where, max_message_size)
    if carrier == _MEMORY:
        return MemoryListener(address, where, max_message_size)
    raise _unknown(address)


def _parts(address: str) -> tuple[str, str]:
    carrier, _, where = address.partition(":")
    return carrier, where


def _unknown(address: str) -> OSError:
    return OSError(errno.EAFNOSUPPORT, "no carrier of this wool leads to", address)
