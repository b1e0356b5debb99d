"""How a process ended, in words."""

from __future__ import annotations

__all__ = ["in_words"]

import signal


def in_words(returncode: int | None) -> str:
    """Say how a process ended; `returncode` is as `subprocess` has it, None if unknown."""
    if returncode is None:
        return "went away"
    if returncode >= 0:
        return f"exited with status {returncode}"
    try:
        return f"was killed by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was killed by signal {-returncode}"
