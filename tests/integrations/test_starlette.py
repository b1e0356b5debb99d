import inspect
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

import wool
from tests.environment import on_a_new_machine
from tests.integrations.clients import Tap
from tests.integrations.conftest import Serve
from tests.integrations.routines import double
from tests.loops import options
from wool_integrations.starlette import (
    EventStream,
    PoolOptions,
    ServerSentEvent,
    get_pool,
    wool_lifespan,
)


async def worker_count(request: Request) -> Response:
    return JSONResponse(len(get_pool(request).workers))


def test_requests_find_the_pool_in_mounted_applications_too() -> None:
    mounted = Starlette(routes=[Route("/workers", worker_count)])
    app = Starlette(
        routes=[Route("/workers", worker_count), Mount("/mounted", mounted)],
        lifespan=wool_lifespan(size=2),
    )
    with TestClient(app, backend_options=options()) as client:
        assert client.get("/workers").json() == 2
        assert client.get("/mounted/workers").json() == 2


def test_every_option_of_a_pool_is_one_of_the_lifespan() -> None:
    parameters = inspect.signature(wool.WorkerPool).parameters.values()
    options = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}
    assert PoolOptions.__annotations__.keys() == options - {"lifespan"}


def test_the_lifespan_of_the_application_runs_inside_the_pool() -> None:
    seen: list[Any] = []

    @asynccontextmanager
    async def app_lifespan(app: Starlette) -> AsyncGenerator[dict[str, int]]:
        yield {"answer": await double(21)}
        seen.append(await double(4))

    async def answer(request: Request) -> Response:
        return JSONResponse([request.state.answer, len(get_pool(request).workers)])

    app = Starlette(
        routes=[Route("/", answer)], lifespan=wool_lifespan(app_lifespan=app_lifespan, size=1)
    )
    with TestClient(app, backend_options=options()) as client:
        assert client.get("/").json() == [42, 1]
    assert seen == [8]


@asynccontextmanager
async def worker_lifespan() -> AsyncGenerator[str]:
    yield "loaded"


@wool.routine
async def worker_state() -> Any:
    return wool.worker_state()


def test_the_workers_have_a_lifespan_and_tags_of_their_own() -> None:
    async def answer(request: Request) -> Response:
        [worker] = get_pool(request).workers.values()
        with get_pool(request).activate():
            return JSONResponse([await worker_state(), *worker.tags])

    lifespan = wool_lifespan("gpu", worker_lifespan=worker_lifespan, size=1, modules=["wave"])
    with TestClient(
        Starlette(routes=[Route("/", answer)], lifespan=lifespan), backend_options=options()
    ) as client:
        assert client.get("/").json() == ["loaded", "gpu"]


def test_a_lifespan_can_run_again() -> None:
    app = Starlette(routes=[Route("/", worker_count)], lifespan=wool_lifespan(size=1))
    for _ in range(2):
        with TestClient(app, backend_options=options()) as client:
            assert client.get("/").json() == 1


def test_bad_options_are_refused_where_they_are_written() -> None:
    with pytest.raises(ValueError, match="size"):
        wool_lifespan(size=0)


def test_without_a_lifespan_the_error_names_the_cure() -> None:
    client = TestClient(Starlette(routes=[Route("/", worker_count)]), backend_options=options())
    with pytest.raises(wool.NoActivePool, match=r"lifespan=wool_lifespan\(.*with TestClient"):
        client.get("/")


def test_a_failure_before_the_first_item_reaches_the_exception_handlers() -> None:
    tap = Tap()

    async def failing(request: Request) -> Response:
        return EventStream(tap.stream(then=LookupError("no such picture")))

    async def not_found(request: Request, error: Exception) -> Response:
        return PlainTextResponse(str(error), 404)

    app = Starlette(routes=[Route("/", failing)], exception_handlers={LookupError: not_found})
    response = TestClient(app, backend_options=options()).get("/")
    assert (response.status_code, response.text) == (404, "no such picture")
    assert tap.closed


async def greeting() -> AsyncGenerator[ServerSentEvent]:
    yield ServerSentEvent(data="hello", event="greeting")


def test_a_stream_is_a_response_with_headers_cookies_and_background_work() -> None:
    done: list[str] = []

    async def handler(request: Request) -> Response:
        background = BackgroundTask(done.append, "background")
        response = EventStream(
            greeting(), headers={"X-Own": "1", "Cache-Control": "no-cache"}, background=background
        )
        response.set_cookie("crumb", "1")
        assert isinstance(response, Response)
        return response

    response = TestClient(Starlette(routes=[Route("/", handler)]), backend_options=options()).get(
        "/"
    )
    assert response.text == "event: greeting\ndata: hello\n\n"
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["x-own"] == "1"
    assert response.headers["cache-control"] == "no-cache"
    assert response.cookies["crumb"] == "1"
    assert done == ["background"]


def test_a_client_that_leaves_is_noticed_behind_middleware(serve: Serve) -> None:
    tap = Tap()

    async def handler(request: Request) -> Response:
        return EventStream(tap.stream("x"))

    class Tagging(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
            response = await call_next(request)
            response.headers["x-tag"] = "1"
            return response

    client = serve(Starlette(routes=[Route("/", handler)], middleware=[Middleware(Tagging)]))(
        "GET /"
    )
    assert client.read_head()[1]["x-tag"] == "1"
    client.read_until("data: x\n\n")
    client.leave()
    assert tap.wait_closed()


@pytest.mark.parametrize("framework", ["starlette", "fastapi"])
def test_a_missing_framework_is_named_with_its_cure(framework: str) -> None:
    code = f"import sys; sys.modules[{framework!r}] = None; import wool_integrations.{framework}"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=on_a_new_machine(PYTHONPATH=os.pathsep.join(sys.path)),
    )
    assert run.stderr.splitlines()[-1].endswith(f": pip install {framework}")


def test_a_lifespan_that_was_not_called_says_so() -> None:
    with pytest.raises(TypeError, match=r"write lifespan=wool_lifespan\(\)"):
        wool_lifespan(Starlette())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lifespan": nullcontext}, "app_lifespan, the application's, or worker_lifespan"),
        ({"app_lifespan": 3}, "app_lifespan is called with the application, and 3 can't"),
    ],
    ids=["lifespan", "app_lifespan"],
)
def test_lifespans_that_can_not_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        wool_lifespan(**options)
