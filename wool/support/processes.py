"""What the system knows of a process."""

from __future__ import annotations

__all__ = ["CAN_TELL_STOPPED", "is_ending", "is_stopped"]

from pathlib import Path

CAN_TELL_STOPPED = Path("/proc/self/stat").is_file()
"""Whether the system says which processes are stopped: Linux does."""


_EXITING = 4  # among a process's flags: it has begun to end, and may still have to close files


def is_stopped(pid: int) -> bool:
    """Tell whether a process is stopped: SIGSTOP, a debugger. One that is gone is not."""
    return _stat(pid)[:1] in (b"T", b"t")


def is_ending(pid: int) -> bool:
    """Tell whether a process ends, or has ended; True as well where the system doesn't say."""
    fields = _stat(pid).split()
    return not fields or fields[0] in (b"Z", b"X") or bool(int(fields[6]) & _EXITING)


def _stat(pid: int) -> bytes:
    """Return what the system says of a process, from its state on; nothing if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123 - a third of Path's time
            return stat.read().rpartition(b") ")[2]
    except OSError:
        return b""
