import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.environment import on_a_new_machine
from tests.loops import chosen


@dataclass(frozen=True)
class Demo:
    """The demo, served by a process of its own."""

    url: str

    def status(self) -> dict[str, Any]:
        """What the server says it is doing."""
        answer: dict[str, Any] = httpx2.get(f"{self.url}status").json()
        return answer


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    options = ["--port=0", "--workers=2", f"--loop={chosen()}"]
    with subprocess.Popen(
        [sys.executable, "-m", "examples.fractal", *options],
        stdout=subprocess.PIPE,
        text=True,
        env=on_a_new_machine(PYTHONPATH=os.pathsep.join(sys.path)),
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split(" at ")[1].split()[0]
            demo = Demo(address)
            demo.status()  # it answers as soon as the workers are there
            yield demo
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()
