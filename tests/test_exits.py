"""How a process ended is known as soon as it has, whether the system tells or a thread waits."""

import asyncio
import signal
import subprocess
import sys

import pytest

from wool.fleet.exits import Exit

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]

WAYS = pytest.mark.parametrize("by_thread", [False, True], ids=["told", "by a thread"])


def _python(text: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE)


@WAYS
@pytest.mark.parametrize("status", [0, 7])
async def test_an_exit_status_is_told(by_thread: bool, status: int) -> None:
    with _python(f"raise SystemExit({status})") as process:
        end = Exit(process, by_thread=by_thread)
        assert await asyncio.wait_for(end.returncode, 20) == status
        end.close()
        end.close()


@WAYS
async def test_a_signal_is_told_as_subprocess_has_it(by_thread: bool) -> None:
    with _python("input()") as process:
        end = Exit(process, by_thread=by_thread)
        await asyncio.sleep(0)
        assert not end.returncode.done()
        process.kill()
        assert await asyncio.wait_for(end.returncode, 20) == -signal.SIGKILL
        end.close()


@WAYS
async def test_an_end_that_somebody_else_saw_first_is_told(by_thread: bool) -> None:
    with _python("raise SystemExit(3)") as process:
        await asyncio.to_thread(process.wait)
        end = Exit(process, by_thread=by_thread)
        assert await asyncio.wait_for(end.returncode, 20) == 3
        end.close()
