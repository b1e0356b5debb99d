"""How a worker ends that can't end in order."""

from __future__ import annotations

__all__ = ["FAILED", "ORPHANED", "end_at_once"]

import os
import sys
from typing import NoReturn

ORPHANED = 2
"""Exit status of a worker whose parent is gone; nobody is left to read it."""

FAILED = 1
"""Exit status of a worker whose modules or lifespan raised; its standard error says more."""


def end_at_once(status: int) -> NoReturn:
    """End the process, whatever still runs in it, and its daemonic children, as any exit does."""
    if "multiprocessing" in sys.modules:
        import multiprocessing

        for child in multiprocessing.active_children():
            if child.daemon:
                child.terminate()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # it is where the descriptor is closed
            stream.flush()
    os._exit(status)
