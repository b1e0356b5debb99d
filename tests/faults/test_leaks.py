"""The tests' own look at what is left behind sees each kind of thing."""

import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from tests import leaks
from tests.environment import on_a_new_machine
from tests.leaks import Traces

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


@pytest.fixture
def shared_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for the system's, where other test runs would see what is left."""
    monkeypatch.setattr(leaks, "SHARED_MEMORY", tmp_path)
    return tmp_path


def test_the_systems_shared_memory_is_looked_at() -> None:
    assert leaks.SHARED_MEMORY.is_dir()


def test_shared_memory_that_nobody_holds_any_more_is_seen(shared_memory: Path) -> None:
    before = Traces.now()
    with tempfile.NamedTemporaryFile(dir=shared_memory) as memory:
        assert Traces.now().since(before)["shared_memory"] == [Path(memory.name).name]


def test_shared_memory_of_multiprocessing_is_somebody_elses(shared_memory: Path) -> None:
    before = Traces.now()
    with tempfile.NamedTemporaryFile(prefix="psm_", dir=shared_memory):
        assert "shared_memory" not in Traces.now().since(before)


@pytest.mark.parametrize("named", RENAMES)
def test_shared_memory_that_another_process_holds_is_none_of_ours(
    named: str, shared_memory: Path
) -> None:
    before = Traces.now()
    program = HOLD.replace("RENAME", RENAMES[named])
    pipe, hold = subprocess.PIPE, [sys.executable, "-c", program, str(shared_memory)]
    with subprocess.Popen(hold, stdin=pipe, stdout=pipe, env=on_a_new_machine()) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline()
        assert "shared_memory" not in Traces.now().since(before)
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
