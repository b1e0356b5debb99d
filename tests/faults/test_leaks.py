"""The tests' own look at what is left behind sees each kind of thing."""

import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from tests.environment import on_a_new_machine
from tests.leaks import SHARED_MEMORY, Traces

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

HOLD = """
import mmap, os, sys, tempfile
with tempfile.NamedTemporaryFile(dir=sys.argv[1], delete=False) as file:
    file.truncate(1)
    with mmap.mmap(file.fileno(), 1):
        RENAME
        print("held", flush=True)
        input()
"""
RENAMES = {
    "as it was made": "pass",
    "as sem_open does": "os.link(file.name, sys.argv[1] + '/sem'); os.unlink(file.name)",
}


def test_a_socket_that_stays_open_is_seen() -> None:
    before = Traces.now()
    with socket.socket(socket.AF_UNIX):
        assert "socket:" in str(Traces.now().since(before)["descriptors"])
    assert not Traces.now().since(before)


def test_the_systems_shared_memory_is_looked_at() -> None:
    assert SHARED_MEMORY.is_dir()


def test_shared_memory_that_nobody_holds_any_more_is_seen(tmp_path: Path) -> None:
    before = Traces.now(tmp_path)
    with tempfile.NamedTemporaryFile(dir=tmp_path) as memory:
        assert Traces.now(tmp_path).since(before)["shared_memory"] == [Path(memory.name).name]


def test_shared_memory_of_multiprocessing_is_somebody_elses(tmp_path: Path) -> None:
    before = Traces.now(tmp_path)
    with tempfile.NamedTemporaryFile(prefix="psm_", dir=tmp_path):
        assert "shared_memory" not in Traces.now(tmp_path).since(before)


@pytest.mark.parametrize("named", RENAMES)
def test_shared_memory_that_another_process_holds_is_none_of_ours(
    named: str, tmp_path: Path
) -> None:
    before = Traces.now(tmp_path)
    program = HOLD.replace("RENAME", RENAMES[named])
    pipe, hold = subprocess.PIPE, [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(hold, stdin=pipe, stdout=pipe, env=on_a_new_machine()) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline()
        assert "shared_memory" not in Traces.now(tmp_path).since(before)
        holder.communicate(b"\n")


def test_a_child_and_a_thread_that_stay_are_seen() -> None:
    before = Traces.now()
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name="stays")
    thread.start()
    with subprocess.Popen(["sleep", "60"]) as child:
        left = Traces.now().since(before)
        child.kill()
    stop.set()
    thread.join()
    assert left["threads"] == ["stays"]
    assert left["children"][0].startswith(str(child.pid))
