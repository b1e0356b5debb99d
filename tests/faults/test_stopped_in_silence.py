"""A worker that is stopped where the system does not tell: those that do not answer are avoided."""

import subprocess
import sys

import pytest

from tests.environment import on_a_new_machine
from tests.loops import on_chosen_loop
from tests.scripts import ROOT

pytestmark = [
    pytest.mark.both_loops,
    pytest.mark.skipif(sys.platform != "linux", reason="hides /proc from a program"),
]

_HIDDEN = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
"""Runs a program that finds nothing in /proc, as on a system that has none."""

PROGRAM = '''
import asyncio, os, signal, wool
from tests.routines import pid

class Stubborn:
    """Prefers the first worker, whether it answers or not."""
    first = None
    def choose(self, task, workers):
        return sorted(workers, key=lambda worker: worker.metadata.pid != self.first)

async def main():
    assert not os.listdir("/proc")
    stubborn = Stubborn()
    async with wool.WorkerPool(size=2, grace=0.1, loadbalancer=stubborn) as pool:
        victim, other = [worker.pid for worker in pool.workers.values()]
        for stubborn.first in (other, victim):
            assert await pid() == stubborn.first
        os.kill(victim, signal.SIGSTOP)
        call = asyncio.create_task(pid())
        await asyncio.sleep(1.1)
        try:
            async with asyncio.timeout(5):
                print({await pid() for _ in range(6)} == {other}, call.done())
        finally:
            os.kill(victim, signal.SIGCONT)
        print(await call == victim)

asyncio.run(main())
'''


def test_workers_that_do_not_answer_are_avoided_whatever_the_balancer_prefers() -> None:
    if subprocess.run([*_HIDDEN, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this system lets nobody hide /proc")
    done = subprocess.run(
        [*_HIDDEN, sys.executable, "-c", on_chosen_loop(PROGRAM)],
        env=on_a_new_machine(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout == "True False\nTrue\n"
