"""Where no process and no thread can be started, pools say so, and go on when that is over."""

import sys
from pathlib import Path

import pytest

from tests.faults.programs import started

pytestmark = [
    pytest.mark.both_loops,
    pytest.mark.skipif(sys.platform != "linux", reason="counts a user's threads"),
]

LIMITED = """
import resource
if os.getuid() == 0:  # whom no limit holds: be another user, with root's way to the files
    prctl = ctypes.CDLL(None).prctl
    for capability in (21, 24):  # CAP_SYS_ADMIN and CAP_SYS_RESOURCE
        prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
    os.setresuid(65534, 0, 0)
    os.execv(sys.executable, sys.orig_argv)

def threads(process):
    # Of a process of this user's, of which /proc knows.
    try:
        with open(f"{process}/status") as status:
            ours = f"\\nUid:\\t{os.getuid()}\\t" in status.read()
        return len(os.listdir(f"{process}/task")) if ours else 0
    except OSError:  # it ended just now
        return 0

def limit(more):
    used = sum(threads(f"/proc/{p}") for p in os.listdir("/proc") if p.isdigit())
    resource.setrlimit(resource.RLIMIT_NPROC, (used + more, most))

_, most = resource.getrlimit(resource.RLIMIT_NPROC)
"""

ENTERING = """
async def main():
    limit(MORE)
    try:
        async with wool.WorkerPool(size=3): pass
    except wool.StartupError: say("no start")
asyncio.run(main())
"""

RUNNING = """
async def main():
    async with wool.WorkerPool(size=2) as pool:
        victims = [worker.pid for worker in pool.workers.values()]
        limit(MORE)
        for victim in victims: os.kill(victim, signal.SIGKILL)
        call = asyncio.create_task(pid())
        await asyncio.wait([call], timeout=2)
        say("closed" if pool.closed else "open")
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
        assert await call not in victims
    say("left")
asyncio.run(main())
"""


@pytest.mark.parametrize("more", range(4))
def test_too_few_processes_at_entering_are_a_startup_error(more: int, tmp_path: Path) -> None:
    with started(LIMITED + ENTERING.replace("MORE", str(more)), tmp_path) as program:
        out, err = program.process.communicate(timeout=30)
        assert (out, err) == ("no start\n", "")
        assert not program.left(within=2)


def test_a_pool_goes_on_when_there_are_processes_again(tmp_path: Path) -> None:
    with started(LIMITED + RUNNING.replace("MORE", "-2"), tmp_path) as program:
        out, err = program.process.communicate(timeout=50)
        assert out == "open\nleft\n", err
        assert "workers start again" in err
        assert not program.left(within=2)
