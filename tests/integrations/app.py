"""An application with a pool, for the tests of handlers and for servers that they start."""

import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated, Any

import anyio
from fastapi import Depends, FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse
from pydantic import BaseModel

import wool
from tests.integrations.routines import count_to, double, fail, linger, worker_pid
from wool_integrations.fastapi import EventStream, WoolPool, wool_lifespan, wool_pool

app = FastAPI(lifespan=wool_lifespan(size=2))


@app.get("/double/{number}")
async def double_it(number: int, pool: Annotated[wool.WorkerPool, Depends(wool_pool)]) -> int:
    return await double(number)


@app.get("/plain/{number}")
def double_from_a_thread(number: int, pool: WoolPool) -> int:
    return anyio.from_thread.run(double, number)


@app.get("/dispatch")
async def workers(pool: WoolPool) -> dict[str, Any]:
    return {"server": os.getpid(), "ran": await worker_pid(), "workers": _pids(pool)}


def _pids(pool: wool.WorkerPool) -> list[int]:
    return [worker.pid for worker in pool.workers.values()]


app.get("/routine/{number}", dependencies=[Depends(wool_pool)])(double)


@app.websocket("/socket")
async def answer(websocket: WebSocket, pool: WoolPool) -> None:
    await websocket.accept()
    await websocket.send_json(await double(await websocket.receive_json()))
    await websocket.close()


@app.get("/count/{number}")
async def count(number: int, pool: WoolPool) -> EventStream:
    return EventStream(count_to(number), event="number")


@app.get("/linger/{items}")
async def stay(items: int, diary: Path, pool: WoolPool) -> EventStream:
    return EventStream(linger(diary, items))


@app.get("/fail")
async def failing(pool: WoolPool) -> EventStream:
    return EventStream(fail())


@app.exception_handler(LookupError)
async def not_found(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 404)


class Point(BaseModel):
    x: int


@app.get("/points")
async def points() -> EventStream:
    async def two() -> AsyncGenerator[Point]:
        yield Point(x=1)
        yield Point(x=2)

    return EventStream(two())


@app.get("/bytes")
async def raw() -> EventStream:
    async def one() -> AsyncGenerator[bytes]:
        yield b"text?"

    return EventStream(one())
