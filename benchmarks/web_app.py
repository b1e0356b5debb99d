"""What uvicorn serves: a noop through wool's pool, and one through a ProcessPoolExecutor."""

from __future__ import annotations

__all__ = ["app"]

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI

from benchmarks import plain, routines
from wool_integrations.fastapi import WoolPool, wool_lifespan

_WORKERS = 2


@asynccontextmanager
async def _executor(app: FastAPI) -> AsyncGenerator[None]:
    with ProcessPoolExecutor(_WORKERS) as executor:
        app.state.executor = executor
        yield


app = FastAPI(lifespan=wool_lifespan(size=_WORKERS, app_lifespan=_executor))


@app.get("/wool")
async def through_wool(pool: WoolPool) -> None:
    """Call a routine."""
    del pool  # it is the active one
    await routines.noop()


@app.get("/executor")
async def through_executor() -> None:
    """Call a plain function."""
    await asyncio.get_running_loop().run_in_executor(app.state.executor, plain.noop)
