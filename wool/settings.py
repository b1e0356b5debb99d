"""What all parts of one pool share."""

from __future__ import annotations

__all__ = ["PoolSettings"]

from dataclasses import dataclass

from wool.support.secret import Secret


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """A pool's own settings. Times are seconds, sizes bytes."""

    token: Secret
    """What a caller has to show to a worker."""
    max_message_size: int
    grace: float
    start_timeout: float
    """How long a worker may take to start, and a call may wait for one."""
    forward_logs: bool = True
    """Whether what routines log goes to the logging of their callers."""
    tags: frozenset[str] = frozenset()
    """What the pool's own workers are marked with."""
    modules: tuple[str, ...] = ()
    """What a worker imports before anything else."""
    lifespan: bytes = b""
    """What makes the context manager around a worker's life, pickled; empty if there is none."""
    max_pending: int | None = None
    """Calls that this process may have in flight on one worker; None: any number."""
    stall_timeout: float | None = None
    """How long a call waits for a worker that was stopped; None: for as long as it takes."""
    max_tasks_per_worker: int | None = None
    """How many calls a worker takes before another takes its place; None for no limit."""
