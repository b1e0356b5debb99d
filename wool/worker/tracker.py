"""The process with which `multiprocessing` removes the shared memory of processes that are killed.

It ends by itself when all of them have, and so has to outlive the group that the janitor kills.
"""

from __future__ import annotations

__all__ = ["start_tracker_apart"]

import contextlib
import os


def start_tracker_apart() -> None:
    """Start the tracker now, in a process group of its own."""
    from multiprocessing.resource_tracker import ensure_running

    group = os.getpgrp()
    os.setpgid(0, 0)  # it is started in the group that its parent is in
    try:
        ensure_running()
    finally:
        with contextlib.suppress(PermissionError):  # the janitor was killed, its group with it
            os.setpgid(0, group)
