"""What all parts of one pool share."""

from __future__ import annotations

__all__ = ["PoolSettings"]

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """A pool's own settings. Times are seconds, sizes bytes."""

    token: bytes
    """What a caller has to show to a worker."""
    max_message_size: int
    grace: float
    start_timeout: float
    """How long a worker may take to start, and a call may wait for one."""
