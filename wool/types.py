"""The shapes that wool's parts, and its users, agree on."""

from __future__ import annotations

__all__ = [
    "Lifespan",
    "LoadBalancerLike",
    "LogSink",
    "Peer",
    "Peers",
    "PoolLike",
    "StartedWorker",
    "Steps",
    "TaskException",
    "WorkerFactory",
    "WorkerLike",
    "WorkerMetadata",
]

from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from wool.settings import WorkerSettings

if TYPE_CHECKING:
    import asyncio

    from wool.tasks import Task

Lifespan = Callable[[], AbstractAsyncContextManager[Any]]
"""What a pool's `lifespan` is: entered and left around the life of every worker."""


@dataclass(frozen=True, slots=True)
class WorkerMetadata:
    """What is known of a worker before anyone has spoken to it."""

    uid: UUID
    address: str
    """Where it listens: `unix:PATH`, or what another carrier's addresses look like."""
    pid: int
    version: str
    """The wool that it runs."""
    tags: frozenset[str] = frozenset()
    """Those of the pool that started it."""
    host: str = ""
    """The machine on which it runs, by its name and what tells this boot of it from others."""
    extra: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    """What else its factory or discovery has to say of it."""
    secure: bool = False
    """Whether it is reached by TLS."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A worker as others of its pool are told of it."""

    metadata: WorkerMetadata
    stopped: bool | None
    """Whether its process is stopped, by a signal or a debugger; None where nobody can tell."""
    tells_end: bool
    """Whether it will be told how its process ended."""


@dataclass(frozen=True, slots=True)
class Peers:
    """Who is in a pool, whole: what its workers know for the calls that their routines make."""

    there: Collection[Peer]
    """Those that take calls."""
    retired: Collection[UUID]
    """Those that end the calls that they have."""
    departed: Mapping[UUID, int]
    """How those ended that left last, as `subprocess` has it, where that is known."""


@dataclass(frozen=True, slots=True)
class TaskException:
    """What is known of an exception that came from a worker, as `__wool__` on the exception."""

    type: str
    """The module and qualified name of its class."""
    traceback: tuple[str, ...]
    """The lines of the remote traceback, as `traceback.format_exception` has them."""


class WorkerLike(Protocol):
    """A worker as a load balancer sees it: who it is, and how busy this process keeps it."""

    @property
    def uid(self) -> UUID: ...
    @property
    def metadata(self) -> WorkerMetadata: ...
    @property
    def in_flight(self) -> int:
        """Calls that this process has open there, generators between two steps included."""
        ...

    @property
    def unacknowledged(self) -> int:
        """Those of them that the worker has not confirmed yet: many mean a blocked loop."""
        ...

    @property
    def unacknowledged_for(self) -> float:
        """Seconds for which the oldest of those has been waiting; 0 if that is below 0.02.

        More mean that the worker's loop is blocked: one that runs confirms a call in far less, and
        time in which the caller's loop did not listen is no reason.
        """
        ...


class LoadBalancerLike(Protocol):
    """Chooses who gets a call. Sending it, failing over and dropping workers are not its job."""

    def choose(self, task: Task, workers: Sequence[WorkerLike]) -> Iterable[WorkerLike]:
        """Order `workers`, which is never empty, by who should get `task`: the best first.

        Workers that are left out do not get it. Whatever else is returned makes the call raise
        TypeError: also a worker that was given for an earlier call.
        """
        ...


class StartedWorker(Protocol):
    """A worker that takes calls, as the pool sees it that had it started.

    What it tells, it tells by futures of the event loop on which the pool was opened. No method but
    `stop` and `kill` waits, and none does harm where the worker has ended.
    """

    @property
    def metadata(self) -> WorkerMetadata:
        """Who it is, where it listens, and the tags of the settings."""
        ...

    @property
    def exited(self) -> asyncio.Future[int | None]:
        """Done when it has ended, in whichever way: with its exit status, as `subprocess` has it.

        None if that can't be known.
        """
        ...

    @property
    def due(self) -> asyncio.Future[None]:
        """Done when it has almost done its quota of calls: it is time to start another."""
        ...

    @property
    def extended(self) -> asyncio.Future[None]:
        """Done when it has been asked to take more than its quota, and does."""
        ...

    @property
    def drained(self) -> asyncio.Future[None]:
        """Done when it was retired, and its last call has ended."""
        ...

    def is_stopped(self) -> bool | None:
        """Tell whether its process is stopped, by a signal or a debugger; None if none can tell.

        It is asked four times a second.
        """
        ...

    def tell(self, peers: Peers, /) -> None:
        """Have it know who is in the pool: its routines' calls go to them. Each replaces the last.

        The worker itself is one of them, unless it was retired.
        """
        ...

    def extend(self) -> None:
        """Have it take more calls than its quota, since nobody takes its place yet."""
        ...

    def retire(self) -> None:
        """Have it take no more calls. It goes on with those that run, until it is stopped."""
        ...

    async def stop(self, grace: float, /) -> None:
        """End it, and return when nothing is left of it.

        Calls that run are cancelled, and have `grace` seconds for their clean-up, and the lifespan
        for its own. Cancelling this cuts that short, as `kill` does.
        """
        ...

    async def kill(self) -> None:
        """End it at once, as far as that can be done, and return when nothing is left of it."""
        ...


class WorkerFactory(Protocol):
    """Starts the workers of a pool: `WorkerPool(worker=...)`.

    One that is a context manager too, sync or async, is entered before the first worker starts and
    left when the last has gone.
    """

    async def start(self, settings: WorkerSettings, /) -> StartedWorker:
        """Start a worker, and return it as soon as it takes calls.

        It makes its address, and a uid that no other worker ever had. Several may be starting at
        once.

        Raises:
            StartupError: it does not come up, or not within the pool's `start_timeout`. Then, and
                when this is cancelled, nothing is left of it. Whatever else is raised counts as a
                worker that did not start, too.
        """
        ...


class Steps(Protocol):
    """A remote generator, one step at a time. Each returns the next item.

    A step raises what the generator raised, or StopAsyncIteration at its end. Cancelling a step
    cancels it remotely and waits for the clean-up there, for at most the pool's grace.
    """

    async def start(self) -> Any: ...
    async def send(self, value: Any, /) -> Any: ...
    async def throw(self, error: BaseException, /) -> Any: ...


class PoolLike(Protocol):
    """Where a routine's call goes: a pool in the process that opened it, or in a worker's."""

    def call(self, task: Task, /) -> Coroutine[Any, Any, Any]:
        """Run a coroutine routine on some worker and return its result."""
        ...

    def steps(self, task: Task, /) -> Steps:
        """Prepare a generator routine; a worker is chosen at its first step."""
        ...

    @property
    def closed(self) -> bool: ...

    @property
    def outer(self) -> PoolLike | None:
        """The pool that was active when this one was entered."""
        ...


class LogSink(Protocol):
    """Where packed log records go. Counts are by the first part of their loggers' names."""

    def take(self, record: bytes, counts: Mapping[str, int], /) -> None:
        """Send a record. It counts as one, or as those of whose being dropped it tells."""
        ...

    def lose(self, counts: Mapping[str, int], /) -> None:
        """Note that so many were dropped on the way here."""
        ...
