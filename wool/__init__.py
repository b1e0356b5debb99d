"""Run async functions and async generators on other processes, their calls keeping their meaning.

>>> import wool
>>> @wool.routine
... async def double(n: int) -> int:
...     return 2 * n

Inside `async with wool.WorkerPool():`, `await double(21)` runs on a worker.
"""

from wool.balancing.least_busy import LeastBusyLoadBalancer
from wool.balancing.round_robin import RoundRobinLoadBalancer
from wool.context import RuntimeContext, current_task
from wool.dispatch.stats import PoolStats, WorkerStats
from wool.events import TaskEvent
from wool.exceptions import (
    AuthenticationError,
    BroadcastError,
    DispatchTimeout,
    MessageTooLarge,
    NoActivePool,
    NoWorkersAvailable,
    Overloaded,
    PoolClosed,
    ProtocolError,
    RemoteError,
    RoutineExited,
    SerializationError,
    StartupError,
    WoolError,
    WorkerDied,
    WorkerStalled,
)
from wool.pools.pool import WorkerPool
from wool.routine import routine
from wool.settings import CallSettings, WorkerSettings
from wool.tasks import Task
from wool.types import (
    LoadBalancerLike,
    Peer,
    Peers,
    StartedWorker,
    TaskException,
    WorkerFactory,
    WorkerLike,
    WorkerMetadata,
)
from wool.values.propagation import propagate
from wool.version import __version__
from wool.worker.lifespan import worker_state

__all__ = [
    "AuthenticationError",
    "BroadcastError",
    "CallSettings",
    "DispatchTimeout",
    "LeastBusyLoadBalancer",
    "LoadBalancerLike",
    "MessageTooLarge",
    "NoActivePool",
    "NoWorkersAvailable",
    "Overloaded",
    "Peer",
    "Peers",
    "PoolClosed",
    "PoolStats",
    "ProtocolError",
    "RemoteError",
    "RoundRobinLoadBalancer",
    "RoutineExited",
    "RuntimeContext",
    "SerializationError",
    "StartedWorker",
    "StartupError",
    "Task",
    "TaskEvent",
    "TaskException",
    "WoolError",
    "WorkerDied",
    "WorkerFactory",
    "WorkerLike",
    "WorkerMetadata",
    "WorkerPool",
    "WorkerSettings",
    "WorkerStalled",
    "WorkerStats",
    "__version__",
    "current_task",
    "propagate",
    "routine",
    "worker_state",
]
