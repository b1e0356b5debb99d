"""Programs run as users run them, each in a process of its own."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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
    **environment: str,
) -> Ended:
    """Run Python with `text` as its standard input; `shell` is appended, for redirections."""
    command = [sys.executable, *flags, *arguments]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {shell}', "sh", *command],
        input=text.encode(),
        capture_output=True,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        timeout=_PATIENCE,
        check=False,
    )
    err = _SLOW.sub("", done.stderr.decode(errors="replace"))
    return Ended(done.returncode, done.stdout.decode(), err)
