"""What the system knows of a process."""

from __future__ import annotations

__all__ = ["is_stopped"]

from pathlib import Path

_CAN_TELL = Path("/proc/self/stat").is_file()  # Linux can


def is_stopped(pid: int) -> bool | None:
    """Tell whether a process is stopped: SIGSTOP, a debugger. One that is gone is not.

    None where the system does not tell.
    """
    if not _CAN_TELL:
        return None
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123 - a third of Path's time
            after_name = stat.read().rpartition(b") ")[2]
    except OSError:
        return False
    return after_name[:1] in (b"T", b"t")
