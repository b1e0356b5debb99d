"""Which machine this is."""

from __future__ import annotations

__all__ = ["this_host"]

import contextlib
import socket
from functools import lru_cache
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@lru_cache(maxsize=1)
def this_host() -> str:
    """Return the machine's name and, where the system tells, what no other boot of it has."""
    boot = ""
    with contextlib.suppress(OSError):
        boot = _BOOT.read_text(encoding="ascii").strip()
    return f"{socket.gethostname()}/{boot}"
