"""The web application: a page, and the stream of tiles that it paints."""

import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query
from fastapi.responses import FileResponse, PlainTextResponse

from examples.fractal.compute import Tile, View, plan, tiles
from wool_integrations.fastapi import EventStream, ServerSentEvent, WoolPool, wool_lifespan

PAGE = Path(__file__).with_name("page.html")
Number = Annotated[float, Query(ge=-4, le=4, allow_inf_nan=False)]
Span = Annotated[float, Query(ge=1e-12, le=8, allow_inf_nan=False)]
Pixels = Annotated[int, Query(ge=16, le=2048)]


@dataclass
class Activity:
    """What the server is doing, and what it has done."""

    streams: int = 0
    tiles: int = 0


def create_app(workers: int | None = None) -> FastAPI:
    """Make the application, with so many workers or one for each processor."""
    app = FastAPI(title="wool: fractal", lifespan=wool_lifespan(size=workers))
    activity = Activity()

    @app.get("/")
    async def page() -> FileResponse:
        return FileResponse(PAGE)

    @app.get("/tiles")
    async def stream(view: Annotated[View, Depends(asked_view)], pool: WoolPool) -> EventStream:
        return EventStream(picture(view, 2 * len(pool.workers), activity))

    @app.get("/ping")
    async def ping() -> PlainTextResponse:
        return PlainTextResponse("pong")

    @app.get("/status")
    async def status(pool: WoolPool) -> dict[str, Any]:
        return {**asdict(activity), "workers": [worker.pid for worker in pool.workers.values()]}

    return app


def asked_view(x: Number, y: Number, span: Span, columns: Pixels, rows: Pixels) -> View:
    return View(x, y, span, columns, rows)


async def picture(
    view: View, in_flight: int, activity: Activity
) -> AsyncGenerator[ServerSentEvent]:
    """Stream one picture. Leaving it, wherever it is, ends the work on the workers."""
    activity.streams += 1
    try:
        yield ServerSentEvent(event="start", data={"tiles": len(plan(view))})
        async with aclosing(tiles(view, in_flight)) as stream:
            async for tile in stream:
                activity.tiles += 1
                yield ServerSentEvent(event="tile", data=painted(tile))
        yield ServerSentEvent(event="end", data="")
    finally:
        activity.streams -= 1


def painted(tile: Tile) -> dict[str, Any]:
    values = base64.b64encode(tile.values).decode()
    return {**asdict(tile.area), "pid": tile.pid, "values": values}
