import asyncio
import gc
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator

import pytest

import wool
from tests.home import Home, open_home
from tests.leaks import Traces, left_since
from tests.routines import pid

_PATIENCE = 2.0  # seconds
_TURN = 0.02  # seconds


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _a_place_of_our_own() -> Iterator[None]:
    """Keeps apart the files of test runs that run side by side."""
    with tempfile.TemporaryDirectory(prefix="wt-") as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", place)
        patch.delenv("XDG_RUNTIME_DIR", raising=False)
        patch.setattr(tempfile, "tempdir", None)
        yield
    tempfile.tempdir = None


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> Iterator[None]:
    """Lets programs that tests start be interrupted, which what a shell runs with `&` ignores."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def _what_was_imported_stays() -> Iterator[None]:
    """Spares the look at what each test leaves, a tenth of a second, what was there before all."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    if "anyio_backend" in request.fixturenames:
        request.getfixturevalue("_nothing_is_left_by_the_loop")
        yield
        return
    before = Traces.now()
    yield
    left = {"nothing": ["was looked at"]}
    for left in left_since(before, patience=_PATIENCE):
        if left:
            time.sleep(_TURN)
    assert not left


@pytest.fixture
async def _nothing_is_left_by_the_loop() -> AsyncIterator[None]:
    before = Traces.now()
    yield
    left = {"nothing": ["was looked at"]}
    for left in left_since(before, patience=_PATIENCE):
        if left:
            await asyncio.sleep(_TURN)
    assert not left


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[wool.WorkerPool]:
    """Two workers, joined already, that the tests of a module share."""
    async with wool.WorkerPool(size=2, grace=2.0) as pool:
        while len({await pid() for _ in range(2)}) < 2:
            pass
        yield pool


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    async with open_home() as home:
        yield home
