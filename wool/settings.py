"""What a pool was opened with: for the calls that a process makes, and for the pool's workers.

Times are seconds, sizes bytes.
"""

from __future__ import annotations

__all__ = ["CallSettings", "WorkerSettings"]

from dataclasses import dataclass

from wool.support.secret import Secret


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What a process needs to make calls: one that opened a pool, and each of its workers."""

    token: Secret
    """What a caller has to show to a worker."""
    max_message_size: int
    """How large the arguments, a result or an item may be, pickled."""
    grace: float
    """How long a cancelled call has for its clean-up."""
    start_timeout: float
    """How long a worker may take to start, and a call may wait for one."""
    max_pending: int | None = None
    """Calls that this process may have in flight on one worker; None: any number."""
    stall_timeout: float | None = None
    """How long a call waits for a worker that was stopped; None: for as long as it takes."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What every worker of a pool is started with, however that is done."""

    calls: CallSettings
    """For the calls that it takes and makes; `max_pending` is not for those that it makes."""
    tags: frozenset[str] = frozenset()
    """What it is marked with."""
    modules: tuple[str, ...] = ()
    """What it imports before anything else, in order."""
    lifespan: bytes = b""
    """What makes the context manager around its life, pickled; empty if there is none."""
    max_tasks_per_worker: int | None = None
    """How many calls it takes before another takes its place; None for no limit."""
    forward_logs: bool = True
    """Whether what its routines log goes to the logging of their callers."""
