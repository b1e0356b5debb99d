"""What the system knows of a process."""

from __future__ import annotations

__all__ = ["CAN_TELL_STOPPED", "is_stopped"]

from pathlib import Path

CAN_TELL_STOPPED = Path("/proc/self/stat").is_file()
"""Whether the system says which processes are stopped: Linux does."""


def is_stopped(pid: int) -> bool:
    """Tell whether a process is stopped: SIGSTOP, a debugger. One that is gone is not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123 - a third of Path's time
            after_name = stat.read().rpartition(b") ")[2]
    except OSError:
        return False
    return after_name[:1] in (b"T", b"t")
