"""Programs run as users run them, each in a process of its own."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.environment import on_a_new_machine
from tests.loops import on_chosen_loop

__all__ = ["ROOT", "Ended", "run"]

ROOT = Path(__file__).parents[1]
_STRICT = ("-X", "dev", "-W", "error")
_PATIENCE = 30  # seconds
_SLOW = re.compile(r"^Executing <.* took \d+\.\d+ seconds\n", re.MULTILINE)
"""What asyncio's debug mode says where others keep the machine busy."""


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def run(
    arguments: list[str],
    *,
    text: str = "",
    flags: tuple[str, ...] = _STRICT,
    directory: str | Path | None = None,
    shell: str = "",
    patience: float = _PATIENCE,
    **environment: str,
) -> Ended:
    """Run Python, on the chosen loop, with `text` as its standard input.

    `shell` is appended, for redirections. `patience` is how many seconds it may take.
    """
    command = [sys.executable, *flags, *map(on_chosen_loop, arguments)]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {shell}', "sh", *command],
        input=on_chosen_loop(text).encode(),
        capture_output=True,
        cwd=directory,
        env=on_a_new_machine(**{"PYTHONPATH": str(ROOT), **environment}),
        timeout=patience,
        check=False,
    )
    err = _SLOW.sub("", done.stderr.decode(errors="replace"))
    return Ended(done.returncode, done.stdout.decode(), err)
