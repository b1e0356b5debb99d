"""Ctrl-C, a killed parent, forks: what becomes of the workers and of the directory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scripts import ROOT, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

HEAD = """
import asyncio, os, signal, sys, time, wool

@wool.routine
async def pid(): return os.getpid()

@wool.routine
async def block(): time.sleep(60)

@wool.routine
async def stay():
    print("started", flush=True)
    try: await asyncio.sleep(60)
    finally: print("cleaned up", flush=True)

@wool.routine
async def ignore():
    print("started", flush=True)
    while True:
        try: await asyncio.sleep(60)
        except asyncio.CancelledError: pass
"""
CALL = """
async def main():
    async with wool.WorkerPool(size=2, grace=GRACE):
        print(await pid(), await pid(), flush=True)
        await ROUTINE()
asyncio.run(main())
"""


@contextmanager
def _started(routine: str, place: Path, grace: float = 2) -> Generator[subprocess.Popen[str]]:
    text = HEAD + CALL.replace("ROUTINE", routine).replace("GRACE", str(grace))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(place)}
    environment.pop("XDG_RUNTIME_DIR", None)
    command = [sys.executable, "-c", text]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _all_gone(pids: list[int], within: float) -> bool:
    deadline = time.monotonic() + within
    while not all(_is_gone(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)
    return all(_is_gone(pid) for pid in pids)


def _emptied(place: Path, within: float) -> bool:
    deadline = time.monotonic() + within
    while list(place.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not list(place.iterdir())


def _line(process: subprocess.Popen[str]) -> list[int]:
    assert process.stdout is not None
    return [int(word) for word in process.stdout.readline().split()]


@pytest.mark.parametrize("routine", ["stay", "ignore"])
def test_workers_end_with_a_parent_that_is_killed(routine: str, tmp_path: Path) -> None:
    with _started(routine, tmp_path) as process:
        workers = _line(process)
        process.kill()
        assert len(workers) == 2
        assert _all_gone(workers, within=2)
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert _emptied(tmp_path, within=2)


def test_a_worker_whose_loop_is_blocked_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    text = (
        HEAD
        + """
async def main():
    async with wool.WorkerPool(size=1) as pool:
        print(await pid(), flush=True)
        await block()
asyncio.run(main())
"""
    )
    with subprocess.Popen(
        [sys.executable, "-c", text],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        workers = _line(process)
        process.kill()
        assert _all_gone(workers, within=2)


@pytest.mark.parametrize("number", [signal.SIGINT])
def test_ctrl_c_while_calls_run_cleans_up_and_leaves_nothing(number: int, tmp_path: Path) -> None:
    with _started("stay", tmp_path) as process:
        workers = _line(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=5)
        assert process.returncode == -signal.SIGINT
        assert "cleaned up" in out
        assert err.rstrip().endswith("KeyboardInterrupt")
        assert "never retrieved" not in err
    assert _all_gone(workers, within=0)
    assert list(tmp_path.iterdir()) == []


def test_a_second_ctrl_c_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    with _started("ignore", tmp_path, grace=30) as process:
        workers = _line(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=5)
    assert _all_gone(workers, within=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("delay", [0.1, 0.2, 0.25, 0.3, 0.4])
def test_ctrl_c_during_the_start_leaves_nothing(delay: float, tmp_path: Path) -> None:
    with _started("stay", tmp_path) as process:
        time.sleep(delay)  # whatever it is doing by then
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=5)
        assert "KeyboardInterrupt" in err
        assert "never retrieved" not in err
        assert "Exception ignored" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_terminals_ctrl_c_does_not_reach_the_workers(tmp_path: Path) -> None:
    text = (
        HEAD
        + """
signal.signal(signal.SIGINT, lambda *_: None)
async def main():
    async with wool.WorkerPool(size=1):
        before = await pid()
        os.killpg(0, signal.SIGINT)
        assert await pid() == before
        print("well")
os.setpgid(0, 0)
asyncio.run(main())
"""
    )
    assert run(["-c", text]).out == "well\n"


def test_a_fork_that_exits_takes_nothing_of_the_pool_with_it() -> None:
    text = (
        HEAD
        + """
async def main():
    async with wool.WorkerPool(size=1, start_timeout=1):
        if not os.fork():
            import atexit
            atexit._run_exitfuncs()  # all that the end of a forked process does here
            os._exit(0)
        os.wait()
        print(await asyncio.to_thread(asyncio.run, pid()) > 0)
asyncio.run(main())
"""
    )
    assert run(["-c", text], flags=()).out == "True\n"


def test_workers_end_with_their_parent_though_a_fork_of_it_lives_on() -> None:
    text = (
        HEAD
        + """
async def main():
    async with wool.WorkerPool(size=1):
        fork = os.fork()
        if not fork:
            time.sleep(10); os._exit(0)
        print(await pid(), fork, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", text]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        worker, fork = _line(process)
        process.wait()
        gone = _all_gone([worker], within=2)
        os.kill(fork, signal.SIGKILL)
    assert gone


def test_a_program_that_exits_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    text = (
        HEAD
        + """
async def main():
    async with wool.WorkerPool(size=1):
        print(await pid(), flush=True)
        sys.exit(3)
asyncio.run(main())
"""
    )
    ended = run(["-c", text], TMPDIR=str(tmp_path))
    assert (ended.code, ended.err) == (3, "")
    assert _all_gone([int(ended.out)], within=0)
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_forgets_to_leave_its_pool_leaves_nothing(tmp_path: Path) -> None:
    text = (
        HEAD
        + """
async def main():
    pool = await wool.WorkerPool(size=1).__aenter__()
    print(await pid(), flush=True)
asyncio.run(main())
"""
    )
    ended = run(["-c", text], flags=(), TMPDIR=str(tmp_path))
    assert ended.code == 0
    assert _all_gone([int(ended.out)], within=2)
    assert list(tmp_path.iterdir()) == []
