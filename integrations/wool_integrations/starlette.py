"""Wool in Starlette: a pool that lives as long as the application, and event streams."""

__all__ = ["EventStream", "PoolOptions", "ServerSentEvent", "get_pool", "wool_lifespan"]

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Any, TypedDict, Unpack

try:
    from starlette.background import BackgroundTask
    from starlette.requests import HTTPConnection
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send
except ModuleNotFoundError as error:
    raise ImportError(
        "wool_integrations.starlette needs Starlette: pip install starlette"
    ) from error

import wool
from wool.support.given import Given
from wool_integrations import sse
from wool_integrations.event import Encode, ServerSentEvent
from wool_integrations.shutdown import end_streams_on_signals

AppLifespan = Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any] | None]]
Lifespan = Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any]]]
WorkerLifespan = Callable[[], AbstractAsyncContextManager[Any]]

_STATE_KEY = "wool_pool"


class PoolOptions(TypedDict, total=False):
    """What `wool_lifespan` hands on to `wool.WorkerPool`."""

    size: int | None
    loadbalancer: Given[wool.LoadBalancerLike] | None
    modules: Sequence[str]
    worker: Given[wool.WorkerFactory] | None
    max_pending: int | None
    max_tasks_per_worker: int | None
    stall_timeout: float | None
    start_timeout: float
    grace: float
    max_message_size: int
    forward_logs: bool


def wool_lifespan(
    *tags: str,
    app_lifespan: AppLifespan | None = None,
    worker_lifespan: WorkerLifespan | None = None,
    **options: Unpack[PoolOptions],
) -> Lifespan:
    """Make a lifespan, for Starlette or FastAPI, that keeps a `wool.WorkerPool` open.

    Every request finds the pool through `get_pool`, those of mounted applications too. SIGINT and
    SIGTERM end the open event streams, so that the server can stop (see
    `wool_integrations.shutdown`). Each run of the lifespan opens a pool of its own. What goes wrong
    when the pool starts fails the application's start.

    Args:
        *tags: The pool's.
        app_lifespan: A lifespan of your own: it is entered when the pool is ready, can call
            routines, and is left before the pool is; what it yields reaches `request.state`.
        worker_lifespan: The pool's `lifespan`, which runs in every worker: a function without
            arguments.
        **options: The pool's. Unless you choose another `loadbalancer`, a call goes to the worker
            that is least busy. (A context manager of one, given as it is and not as a function that
            makes it, serves one run of the lifespan.)

    Raises:
        ValueError: When `WorkerPool` refuses an option.
        TypeError: The same.
    """
    _check(tags, app_lifespan, options)
    options.setdefault("loadbalancer", wool.LeastBusyLoadBalancer)
    make = partial(wool.WorkerPool, *tags, lifespan=worker_lifespan, **options)
    make()  # refuses bad options here rather than when the server starts

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncGenerator[Mapping[str, Any]]:
        async with make() as pool:
            with end_streams_on_signals():
                async with app_lifespan(app) if app_lifespan else nullcontext() as state:
                    yield {**(state or {}), _STATE_KEY: pool}

    return lifespan


def _check(tags: tuple[object, ...], app_lifespan: object, options: Collection[str]) -> None:
    if tags and not isinstance(tags[0], str):  # what FastAPI(lifespan=wool_lifespan) leads to
        raise TypeError(f"write lifespan=wool_lifespan(): it was given {tags[0]!r}, and takes tags")
    if "lifespan" in options:
        raise TypeError("lifespan= is app_lifespan, the application's, or worker_lifespan here")
    if app_lifespan is not None and not callable(app_lifespan):
        raise TypeError(f"app_lifespan is called with the application, and {app_lifespan!r} can't")


def get_pool(connection: HTTPConnection) -> wool.WorkerPool:
    """Return the pool of the application that serves `connection`, an HTTP request or a WebSocket.

    Raises `wool.NoActivePool` if no `wool_lifespan` is running.
    """
    pool: wool.WorkerPool | None = getattr(connection.state, _STATE_KEY, None)
    if pool is None:
        raise wool.NoActivePool(
            "the application has no pool: create it with lifespan=wool_lifespan(...); in tests, "
            "enter the client (`with TestClient(app) as client:`), so that it runs the lifespan"
        )
    return pool


class EventStream(sse.EventStream, Response):
    """`wool_integrations.sse.EventStream` as a Starlette response.

    `headers` are sent besides the stream's own, and `background` runs after the stream unless it
    failed.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        generator: AsyncGenerator[Any, Any],
        *,
        event: str | None = None,
        encode: Encode | None = None,
        ping: float | None = 15.0,
        send_timeout: float | None = 30.0,
        retry: float | None = None,
        headers: Mapping[str, str] | None = None,
        background: BackgroundTask | None = None,
    ) -> None:
        sse.EventStream.__init__(
            self,
            generator,
            event=event,
            encode=encode,
            ping=ping,
            send_timeout=send_timeout,
            retry=retry,
        )
        self.background = background
        self.headers.update(headers or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__(scope, receive, send)
        if self.background is not None:
            await self.background()
