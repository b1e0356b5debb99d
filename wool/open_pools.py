"""The pools that were entered in this process and not left, and which of them a prompt calls."""

from __future__ import annotations

__all__ = ["at_prompt", "is_any_open", "note_entered", "note_left"]

import asyncio
import contextlib
import sys
from weakref import WeakKeyDictionary

from wool.types import PoolLike

_loops = WeakKeyDictionary[PoolLike, asyncio.AbstractEventLoop]()
"""Each with the loop that it was entered on, the last one last."""


def note_entered(pool: PoolLike) -> None:
    """Remember a pool that was entered on this loop, until it is left or collected."""
    _loops[pool] = asyncio.get_running_loop()


def note_left(pool: PoolLike) -> None:
    """Forget a pool; to repeat it is harmless."""
    _loops.pop(pool, None)


def is_any_open() -> bool:
    """Tell whether a pool is open, be it active here or not."""
    return bool(_open())


def at_prompt() -> PoolLike | None:
    """Return the open pool that was entered last on this loop, if somebody types what runs here.

    A prompt or notebook runs each line or cell in a context of its own, so that a pool which one
    enters is not in the context of the next.
    """
    if not _is_prompt():
        return None
    with contextlib.suppress(RuntimeError):  # no loop runs
        here = asyncio.get_running_loop()
        return next((pool for pool in _open() if _loops.get(pool) is here), None)
    return None


def _is_prompt() -> bool:
    if hasattr(sys, "ps1"):
        return True
    # `python -m asyncio` of Python 3.13 sets none on a terminal.
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec is not None and spec.name == "asyncio.__main__"


def _open() -> list[PoolLike]:
    """Return the open pools, the last one first."""
    pools = [reference() for reference in reversed(_loops.keyrefs())]
    return [pool for pool in pools if pool is not None and not pool.closed]
