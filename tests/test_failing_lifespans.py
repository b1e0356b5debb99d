"""A lifespan that fails, hangs or is none is reported, and leaves nothing behind."""

import asyncio
import gc
import os
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

import wool
from tests.home import Home
from tests.lives import (
    loaded,
    raising,
    raising_at_the_end,
    telling,
    waiting,
)
from tests.routines import double, refuse_to_end

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no model"),
        ConnectionRefusedError("no model"),
        EOFError("no model"),
        SystemExit("no model"),
        KeyboardInterrupt("no model"),
        asyncio.CancelledError("no model"),
    ],
    ids=repr,
)
async def test_a_lifespan_that_raises_is_a_startup_error_with_its_traceback(
    error: BaseException,
) -> None:
    with pytest.raises(wool.StartupError, match="status 1") as caught:
        await wool.WorkerPool(size=2, lifespan=raising(error)).__aenter__()
    assert "Traceback" in caught.value.stderr
    assert f"{type(error).__name__}: no model" in caught.value.stderr
    assert caught.value.returncode == 1


async def test_a_lifespan_that_raises_is_reported_though_it_left_a_thread_behind() -> None:
    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        threading.Thread(target=threading.Event().wait).start()
        raise ValueError("no model")
        yield

    async with asyncio.timeout(10):
        with pytest.raises(wool.StartupError, match="no model"):
            await wool.WorkerPool(size=1, lifespan=lifespan).__aenter__()


async def test_a_lifespan_that_makes_no_async_context_manager_is_a_startup_error() -> None:
    @contextmanager
    def sync() -> Generator[None]:
        yield

    lifespan: Any = sync
    with pytest.raises(wool.StartupError, match="asynchronous context manager"):
        await wool.WorkerPool(size=1, lifespan=lifespan).__aenter__()


@pytest.mark.parametrize("error", [ValueError("late"), SystemExit("late"), KeyboardInterrupt()])
async def test_a_lifespan_that_raises_at_its_end_is_reported_and_no_more(
    error: BaseException, capfd: pytest.CaptureFixture[str]
) -> None:
    async with wool.WorkerPool(size=1, lifespan=raising_at_the_end(error)):
        assert await double(1) == 2
    err = capfd.readouterr().err
    assert "Traceback" in err
    assert type(error).__name__ in err


async def test_a_lifespan_that_takes_too_long_to_enter_is_a_startup_error(home: Home) -> None:
    with pytest.raises(wool.StartupError, match="start_timeout"):
        await wool.WorkerPool(size=1, lifespan=waiting(home.path), start_timeout=1.0).__aenter__()
    assert (await home.hear()).startswith("waiting")


async def test_a_lifespan_that_takes_too_long_to_leave_is_ended_after_the_grace(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    loop = asyncio.get_running_loop()
    async with wool.WorkerPool(size=1, lifespan=waiting(home.path, leaving=True), grace=0.3):
        start = loop.time()
    assert loop.time() - start < 2
    assert "not left within the pool's grace" in capfd.readouterr().err


async def test_a_lifespan_is_not_left_where_a_call_ignores_its_cancellation(home: Home) -> None:
    async with wool.WorkerPool(size=1, lifespan=telling(home.path), grace=0.2):
        call = asyncio.create_task(refuse_to_end(home.path))
        assert await home.hear() == "entered"
        await home.hear()
    await asyncio.gather(call, return_exceptions=True)
    assert "left" not in home.heard()


async def test_to_cancel_the_entering_while_lifespans_start_leaves_nothing(home: Home) -> None:
    pool = wool.WorkerPool(size=2, lifespan=waiting(home.path))
    entering = asyncio.create_task(pool.__aenter__())
    pids = [int((await home.hear()).split()[1]) for _ in range(2)]
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    for number in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


@asynccontextmanager
async def with_an_argument(app: object) -> AsyncGenerator[None]:
    yield


async def undecorated() -> AsyncGenerator[None]:
    yield


@pytest.mark.parametrize(
    ("lifespan", "cure"),
    [
        (5, "no function"),
        ("tests.lives:loaded", "no function"),
        (loaded(), "without ()"),
        (undecorated, "asynccontextmanager"),
        (with_an_argument, "missing a required argument: 'app'"),
    ],
    ids=["number", "name", "called already", "undecorated", "with an argument"],
)
async def test_what_is_no_lifespan_is_refused_when_the_pool_is_made(
    lifespan: Any, cure: str
) -> None:
    with pytest.raises(TypeError, match=cure.replace("(", r"\(").replace(")", r"\)")):
        wool.WorkerPool(lifespan=lifespan)
    gc.collect()


async def test_a_lifespan_that_cannot_be_pickled_is_refused_when_the_pool_is_entered() -> None:
    lock = threading.Lock()

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        with lock:
            yield

    with pytest.raises(wool.SerializationError, match="the pool's lifespan"):
        await wool.WorkerPool(size=1, lifespan=lifespan).__aenter__()
