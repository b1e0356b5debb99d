"""What becomes of memory that the worker has freed."""

from __future__ import annotations

__all__ = ["keep_freed_memory"]

_LARGE = 16 * 2**20  # bytes


def keep_freed_memory() -> None:
    """Have the C library keep up to 32 MiB that were freed, and not ask for them again.

    glibc goes by the largest block that was freed so far: so much and less comes from memory that
    it keeps, of which it gives back what is more than twice that. Nothing is written to this block,
    so that it takes no memory. Fresh pages for each value of 1 MB take longer than all the rest.
    """
    bytes(_LARGE)
