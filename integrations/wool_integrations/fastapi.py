"""Wool in FastAPI: a pool that lives as long as the application, a dependency, and event streams.

Example:
    app = FastAPI(lifespan=wool_lifespan(size=8))

    @app.get("/render")
    async def render(pool: WoolPool) -> EventStream:
        return EventStream(tiles())
"""

__all__ = ["EventStream", "ServerSentEvent", "WoolPool", "wool_lifespan", "wool_pool"]

from collections.abc import AsyncGenerator
from typing import Annotated, Any

try:
    from fastapi import Depends
    from fastapi.encoders import jsonable_encoder
    from fastapi.requests import HTTPConnection
except ModuleNotFoundError as error:
    raise ImportError("wool_integrations.fastapi needs FastAPI: pip install fastapi") from error

import wool
from wool_integrations import starlette
from wool_integrations.event import ServerSentEvent, encode_json
from wool_integrations.starlette import get_pool, wool_lifespan


async def wool_pool(connection: HTTPConnection) -> AsyncGenerator[wool.WorkerPool]:
    """Depend on the application's pool, which is the active one while the request is handled.

    Routines called in the handler run on it, be the handler `async def` or, through
    `anyio.from_thread.run`, a plain `def`. Works for HTTP and WebSockets. Raises
    `wool.NoActivePool` if no `wool_lifespan` is running.
    """
    pool = get_pool(connection)
    with pool.activate():
        yield pool


WoolPool = Annotated[wool.WorkerPool, Depends(wool_pool)]


class EventStream(starlette.EventStream):
    """`wool_integrations.starlette.EventStream`, with items encoded as FastAPI encodes results."""

    @staticmethod
    def encode_default(item: Any) -> str:
        # FastAPI would decode bytes as if they were text.
        return encode_json(item if isinstance(item, bytes) else jsonable_encoder(item))
