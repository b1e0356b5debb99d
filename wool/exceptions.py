"""Every error that wool raises of its own accord.

    WoolError
    ├── NoActivePool          a routine was called and no pool is active here
    ├── PoolClosed            the pool was left while the call ran
    ├── NoWorkersAvailable    nobody joined in time to take the call, or nobody may have it
    ├── Overloaded            every worker has as many calls as it may have
    ├── DispatchTimeout       the call took longer than its limit; also a TimeoutError
    ├── WorkerDied            the worker's process ended; the outcome of the call is unknown
    │   └── WorkerStalled     ... or was stopped for longer than stall_timeout
    ├── BroadcastError        a call that went to every worker raised on some; also a group
    ├── RoutineExited         the routine raised SystemExit or KeyboardInterrupt
    ├── RemoteError           a remote exception that can't be rebuilt here
    ├── SerializationError    an argument, a result or the routine itself can't be pickled
    ├── MessageTooLarge       ... or is larger than the pool allows
    ├── StartupError          workers did not start
    ├── AuthenticationError   the other end does not hold the pool's token
    └── ProtocolError         the other end said something that the protocol does not allow

What a routine raises is none of these: it arrives at the caller as itself.
"""

from __future__ import annotations

__all__ = [
    "AuthenticationError",
    "BroadcastError",
    "DispatchTimeout",
    "MessageTooLarge",
    "NoActivePool",
    "NoWorkersAvailable",
    "Overloaded",
    "PoolClosed",
    "ProtocolError",
    "RemoteError",
    "RoutineExited",
    "SerializationError",
    "StartupError",
    "WoolError",
    "WorkerDied",
    "WorkerStalled",
]

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from wool.support.returncodes import in_words


class WoolError(Exception):
    """The base of all errors that wool itself raises."""


class NoActivePool(WoolError):
    """A routine was called where no pool is active; the message says how to make one active."""


class PoolClosed(WoolError):
    """The pool was left, or had been left already, when the call needed it.

    The remote side of a call that ran is cancelled, and its clean-up has the pool's grace to end.
    If the pool was not left, and its workers were ended all the same, the cause says how.
    """

    def when(self, what: str) -> PoolClosed:
        """Return the same with `what` after it, which says what the pool was needed for."""
        closed = PoolClosed(f"{self}{what}")
        closed.__cause__ = self.__cause__
        return closed


class NoWorkersAvailable(WoolError):
    """No worker took the call within the pool's `start_timeout`, or none may have it.

    The latter is at once: no worker has the tags of the routine, or the load balancer chose none.
    The call was certainly not started.
    """


class Overloaded(WoolError):
    """Every worker has `max_pending` calls of this process in flight.

    The call was certainly not started. `retry_after` is in how many seconds a place may be free:
    the mean time between the ends of the pool's last calls (up to 64, since it last had none), at
    least 0.1 and at most 60. Until the first has ended it is the time since the pool last had none,
    so that it doubles from one attempt to the next. Whoever else waits for that place may be
    faster.
    """

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DispatchTimeout(WoolError, TimeoutError):
    """A call, or a step of a generator, took longer than its limit.

    The remote side was cancelled, and had the pool's grace to clean up. `timeout` is the limit in
    seconds: the least of the routine's `timeout`, the RuntimeContext's, and what was left to the
    call that made this one. `pid` is the process id of the worker that had the call; None if none
    had taken it yet, or the process is not known here.
    """

    def __init__(self, message: str, *, timeout: float = 0.0, pid: int | None = None) -> None:
        super().__init__(message)
        self.timeout = timeout
        self.pid = pid


class WorkerDied(WoolError):
    """The worker's process ended while it had the call.

    The call is not made a second time, unless its routine is `idempotent`; then this says that each
    of three attempts ended so, or that no other worker took it.

    `pid` is the worker's process id; `exitcode` its exit status, or None if a signal ended it or
    the status is not known here; `signal` the signal's number, or None. `acknowledged` says
    whether the worker had confirmed that it took the call; if not, it may or may not have started.
    """

    def __init__(
        self,
        message: str,
        *,
        pid: int | None = None,
        exitcode: int | None = None,
        signal: int | None = None,
        acknowledged: bool = False,
    ) -> None:
        super().__init__(message)
        self.pid = pid
        self.exitcode = exitcode
        self.signal = signal
        self.acknowledged = acknowledged

    @classmethod
    def of(
        cls, call: str, pid: int, returncode: int | None, *, acknowledged: bool, attempts: int = 0
    ) -> WorkerDied:
        """Build the error for `call`; `returncode` is as `subprocess` has it, None if unknown."""
        exitcode = returncode if returncode is not None and returncode >= 0 else None
        signal = -returncode if returncode is not None and returncode < 0 else None
        return cls(
            f"worker {pid} {in_words(returncode)} while it had the call {call!r}, which "
            f"{_started(acknowledged)}; {_why_not_again(attempts)}",
            pid=pid,
            exitcode=exitcode,
            signal=signal,
            acknowledged=acknowledged,
        )


class WorkerStalled(WorkerDied):
    """The worker's process has been stopped for the pool's `stall_timeout` while it had the call.

    Stopped means by SIGSTOP or a debugger: a worker that computes is not. It may go on later; what
    it still runs of the call is cancelled then, and its outcome is lost. `stalled_for` is
    `stall_timeout`, in seconds. What holds for WorkerDied holds here, too: the outcome is unknown,
    and the call is made again only if its routine is `idempotent`.
    """

    def __init__(
        self,
        message: str,
        *,
        pid: int | None = None,
        acknowledged: bool = False,
        stalled_for: float = 0.0,
    ) -> None:
        super().__init__(message, pid=pid, acknowledged=acknowledged)
        self.stalled_for = stalled_for

    @classmethod
    def after(
        cls, call: str, pid: int, stalled_for: float, *, acknowledged: bool, attempts: int = 0
    ) -> WorkerStalled:
        """Build the error for `call`."""
        return cls(
            f"worker {pid} has been stopped for {stalled_for:g} s, the pool's stall_timeout, while "
            f"it had the call {call!r}, which {_started(acknowledged)}; {_why_not_again(attempts)}",
            pid=pid,
            acknowledged=acknowledged,
            stalled_for=stalled_for,
        )


def _started(acknowledged: bool) -> str:  # noqa: FBT001 - what WorkerDied calls so
    return "had been started" if acknowledged else "may have been started"


def _why_not_again(attempts: int) -> str:
    if attempts == 0:
        return "to make it again could run it twice: see idempotent= of wool.routine"
    return f"each of {attempts} attempts ended so" if attempts > 1 else "no other worker took it"


class BroadcastError(WoolError, ExceptionGroup[Exception]):
    """A call that went to every worker raised on some of them. It has ended on all.

    It is a group of what was raised. `errors` says which worker raised what, `results` what the
    others returned, both by the worker's uid.
    """

    errors: Mapping[UUID, Exception] = MappingProxyType({})
    results: Mapping[UUID, Any] = MappingProxyType({})

    @classmethod
    def of(
        cls, call: str, errors: Mapping[UUID, Exception], results: Mapping[UUID, Any]
    ) -> BroadcastError:
        """Build the error for `call`."""
        count = len(errors) + len(results)
        group = cls(f"{call!r} raised on {len(errors)} of {count} workers", list(errors.values()))
        group.errors, group.results = dict(errors), dict(results)
        return group


class RoutineExited(WoolError):
    """The routine raised SystemExit or KeyboardInterrupt. The worker goes on.

    `code` is what SystemExit carried; 130 stands for KeyboardInterrupt, as in a shell.
    """

    def __init__(self, message: str, *, code: object = None) -> None:
        super().__init__(message)
        self.code = code


class RemoteError(WoolError):
    """A routine raised an exception that can't be rebuilt in this process.

    `type` is the module and qualified name of its class, `traceback` the remote traceback as text.
    """

    def __init__(self, message: str, *, type: str = "", traceback: str = "") -> None:
        super().__init__(message)
        self.type = type
        self.traceback = traceback


class SerializationError(WoolError):
    """A value can't be pickled, or can't be unpickled at the other end.

    `what` names the value ("argument 'x'", "the result"), `type` the qualified name of its type.
    The error that pickle raised is the cause.
    """

    def __init__(self, message: str, *, what: str = "", type: str = "") -> None:
        super().__init__(message)
        self.what = what
        self.type = type


class MessageTooLarge(WoolError):
    """A message exceeds the pool's `max_message_size`. Nothing was sent.

    `size` and `limit` are in bytes.
    """

    def __init__(self, message: str, *, size: int = 0, limit: int = 0) -> None:
        super().__init__(message)
        self.size = size
        self.limit = limit

    @classmethod
    def of(cls, what: str, size: int, limit: int) -> MessageTooLarge:
        """Build the error for `what`, of `size` bytes."""
        return cls(
            f"{what}: {size:,} bytes, and the pool's max_message_size is {limit:,}; "
            f"send less at a time, or open the pool with a larger max_message_size",
            size=size,
            limit=limit,
        )


class StartupError(WoolError):
    """A worker ended before it was ready, or was not ready in time.

    Raised where a pool is entered; and by a call that waited for a worker for `start_timeout` while
    none came up, with the error of the last one as its cause. That call was certainly not started.

    `stderr` is what it had written there, `returncode` how it ended, as `subprocess` has it; None
    if it was not ready in time, or did not start at all.
    """

    def __init__(self, message: str, *, stderr: str = "", returncode: int | None = None) -> None:
        super().__init__(message)
        self.stderr = stderr
        self.returncode = returncode


class AuthenticationError(WoolError):
    """The worker refused the pool's token: it belongs to another pool, or another run of one."""


class ProtocolError(WoolError):
    """A message that the protocol does not allow in the state of things; the link was closed."""
