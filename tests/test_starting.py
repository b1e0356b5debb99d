"""A pool that can't start says why, at once, and leaves nothing."""

import asyncio
import errno
import gc
import resource
import socket
import stat
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import wool
from tests.routines import double, pid
from tests.sockets import path_of

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"size": 0}, ValueError),
        ({"size": -1}, ValueError),
        ({"size": 1.5}, TypeError),
        ({"size": True}, TypeError),
        ({"size": "2"}, TypeError),
        ({"grace": -1}, ValueError),
        ({"grace": float("nan")}, ValueError),
        ({"grace": "1"}, TypeError),
        ({"start_timeout": None}, TypeError),
        ({"max_tasks_per_worker": 0}, ValueError),
        ({"max_tasks_per_worker": -5}, ValueError),
        ({"max_tasks_per_worker": 2.0}, TypeError),
        ({"max_tasks_per_worker": True}, TypeError),
        ({"worker": 5}, TypeError),
        ({"worker": "ray"}, TypeError),
        ({"max_message_size": 0}, ValueError),
        ({"max_message_size": 1e6}, TypeError),
        ({"max_message_size": 2**70}, ValueError),
    ],
    ids=str,
)
async def test_bad_arguments_are_refused_when_the_pool_is_made(
    options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=next(iter(options))):
        wool.WorkerPool(**options)
    gc.collect()


@pytest.mark.parametrize("tag", [4, None, b"gpu", ("gpu",)])
async def test_a_tag_that_is_no_string_is_refused_when_the_pool_is_made(tag: Any) -> None:
    with pytest.raises(TypeError, match=r"tags (are|is a collection of) strings"):
        wool.WorkerPool(tag)
    gc.collect()


async def test_the_workers_bear_the_tags_of_their_pool() -> None:
    async with wool.WorkerPool("gpu", "large", size=2) as pool:
        assert {worker.tags for worker in pool.workers.values()} == {frozenset({"gpu", "large"})}


async def test_the_workers_say_on_which_machine_they_run() -> None:
    async with wool.WorkerPool(size=2) as pool:
        [host] = {worker.host for worker in pool.workers.values()}
        assert host.startswith(f"{socket.gethostname()}/")
        assert hash(next(iter(pool.workers.values())))


async def test_an_endless_grace_is_allowed() -> None:
    async with wool.WorkerPool(size=1, grace=float("inf")):
        assert await double(1) == 2


async def test_no_grace_is_allowed() -> None:
    async with wool.WorkerPool(size=1, grace=0):
        assert await double(1) == 2


async def test_a_worker_that_fails_to_start_is_a_startup_error_with_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no such luck >&2\nexit 5\n")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(wool.StartupError, match="status 5") as caught:
        await wool.WorkerPool(size=2).__aenter__()
    assert caught.value.stderr == "no such luck"


async def test_an_interpreter_that_is_not_there_is_a_startup_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(wool.StartupError, match="/nowhere/python"):
        await wool.WorkerPool(size=2).__aenter__()


async def test_a_worker_that_does_not_come_up_in_time_is_a_startup_error() -> None:
    with pytest.raises(wool.StartupError, match=r"0\.01 s"):
        await wool.WorkerPool(size=1, start_timeout=0.01).__aenter__()


@contextmanager
def _few_descriptors(spare: int) -> Generator[None]:
    used = len(list(Path("/proc/self/fd").iterdir()))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + spare, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
@pytest.mark.parametrize("spare", [0, 1, 2, 3, 4, 6, 8, 12])
async def test_too_few_descriptors_are_a_startup_error(spare: int) -> None:
    with _few_descriptors(spare), pytest.raises(wool.StartupError):
        await wool.WorkerPool(size=4).__aenter__()


def _temporary_files() -> set[Path]:
    return set(Path(tempfile.gettempdir()).iterdir())


async def test_a_file_system_without_locks_is_a_startup_error_that_leaves_no_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(file: object, operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    before = _temporary_files()
    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(wool.StartupError, match="no locks available"):
        await wool.WorkerPool(size=1).__aenter__()
    assert _temporary_files() == before


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
async def test_a_lack_of_descriptors_later_on_costs_no_worker_its_place() -> None:
    async with wool.WorkerPool(size=2) as pool:
        await asyncio.gather(*(double(n) for n in range(4)))
        with _few_descriptors(0):
            assert [await double(n) for n in range(4)] == [0, 2, 4, 6]
        assert len(pool.workers) == 2


async def test_the_directory_of_the_sockets_is_closed_to_others(pool: wool.WorkerPool) -> None:
    for worker in pool.workers.values():
        directory = path_of(worker).parent
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


async def test_a_pool_has_as_many_workers_as_asked_for(pool: wool.WorkerPool) -> None:
    assert len(pool.workers) == 2
    assert {await pid(), await pid()} == {worker.pid for worker in pool.workers.values()}
    assert {worker.version for worker in pool.workers.values()} == {wool.__version__}
