import asyncio
import gc
import os
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import uvloop

import wool
from tests.carriers import CARRIERS, Carrier, OpenPool, opener
from tests.home import Home, open_home
from tests.leaks import Traces, left_since
from tests.loops import LOOPS, VARIABLE, backend
from tests.routines import pid

_PATIENCE = 2.0  # seconds
_TURN = 0.02  # seconds


_OPTION = "--loop"
_BOTH = "both_loops"
_EVERY = "every_carrier"
_PROCESSES = "needs_processes"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(_OPTION, choices=LOOPS, help="the event loop that every test runs on")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{_BOTH}: runs on each event loop unless {_OPTION} is said")
    config.addinivalue_line("markers", f"{_EVERY}: runs over each carrier, if it opens a pool")
    config.addinivalue_line("markers", f"{_PROCESSES}(why): not over a carrier within this process")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    both = metafunc.definition.get_closest_marker(_BOTH) is not None
    if both and metafunc.config.getoption(_OPTION) is None:
        metafunc.parametrize("loop_name", LOOPS, indirect=True, scope="session")
    every = metafunc.definition.get_closest_marker(_EVERY) is not None
    if every and "carrier" in metafunc.fixturenames:
        processes = metafunc.definition.get_closest_marker(_PROCESSES) is not None
        carriers = [each for each in CARRIERS if not processes or each != "memory"]
        metafunc.parametrize("carrier", carriers, indirect=True, scope="session")


@pytest.fixture(scope="session", autouse=True)
def loop_name(request: pytest.FixtureRequest) -> Iterator[str]:
    """The event loop of this test, and of the programs that it starts."""
    name: str = getattr(request, "param", None) or request.config.getoption(_OPTION) or LOOPS[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, name)
        yield name


@pytest.fixture(scope="session")
def anyio_backend(loop_name: str) -> tuple[str, dict[str, Any]]:
    return backend(loop_name)


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_set_for_python() -> Iterator[None]:
    """Takes away what a machine may have set for all of its Pythons, and a user's has not."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PYTHON")]:
            patch.delenv(name)
        yield


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
def _what_a_process_keeps_for_its_loops() -> None:
    """Has libuv open the descriptors that a process has as soon as it has made a loop."""
    uvloop.new_event_loop().close()


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
    await _open_what_the_loop_keeps()
    before = Traces.now()
    yield
    left = {"nothing": ["was looked at"]}
    for left in left_since(before, patience=_PATIENCE):
        if left:
            await asyncio.sleep(_TURN)
    assert not left


async def _open_what_the_loop_keeps() -> None:
    """Have uvloop open the descriptors that it opens with its first stream."""
    ours, theirs = socket.socketpair()
    with theirs:
        _, writer = await asyncio.open_connection(sock=ours)
        writer.close()
        await writer.wait_closed()


@pytest.fixture(scope="session")
def carrier(request: pytest.FixtureRequest) -> Carrier:
    """What this test's workers are reached over."""
    chosen: Carrier = getattr(request, "param", CARRIERS[0])
    return chosen


@pytest.fixture(scope="session")
def open_pool(carrier: Carrier) -> OpenPool:
    """Makes pools over the carrier: `async with open_pool(size=2)`, as with WorkerPool."""
    return opener(carrier)


@pytest.fixture(scope="module")
async def pool(open_pool: OpenPool) -> AsyncIterator[wool.WorkerPool]:
    """Two workers, joined already, that the tests of a module share."""
    async with open_pool(size=2, grace=2.0) as pool:
        await pool.broadcast(pid)
        yield pool


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    async with open_home() as home:
        yield home
