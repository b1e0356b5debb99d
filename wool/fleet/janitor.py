"""Nothing is left of a pool, whatever becomes of its process: a janitor outlives it by a moment.

The janitor is a shell of a few hundred kilobytes. It leads the process group that the workers are
in, and reads a pipe on which nothing comes. When the pool's process dies, however it dies, the pipe
ends: the janitor removes the runtime directory and kills its group. Workers that are stopped or
hold the interpreter, and what routines have started themselves, die with it.
"""

from __future__ import annotations

__all__ = ["Janitor"]

import contextlib
import logging
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from wool.support.forks import close_in_forks

_log = logging.getLogger(__name__)

# The system hangs up on a group that loses its last parent while one in it is stopped.
_SCRIPT = 'trap "" HUP; read -r never; rm -rf -- "$1"; kill -9 0'
_COMMAND = ["/bin/sh", "-c", _SCRIPT, "wool-janitor"]
_NEW_GROUP = 0  # for Popen


class Janitor:
    """Looks after one runtime directory and one process group."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._shell: subprocess.Popen[bytes] | None = None
        self._keep_in_forks: Callable[[], None] | None = None

    @property
    def group(self) -> int:
        """The process group for a new worker to join, led by a janitor that lives.

        Where there is no shell it is one of the worker's own; workers then look after themselves.
        """
        if self._shell is None or self._shell.poll() is not None:
            self._shell = self._hire()
        return self._shell.pid if self._shell is not None else _NEW_GROUP

    def dismiss(self) -> None:
        """End the janitor, and whatever is left in its group. To repeat it is harmless."""
        shell, self._shell = self._shell, None
        if shell is None:
            return
        self._call_off()
        if shell.poll() is None:  # it is not reaped yet, so the number is still its own
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(shell.pid, signal.SIGKILL)
        with shell:
            pass  # wait, and close the pipe

    def _hire(self) -> subprocess.Popen[bytes] | None:
        self._call_off()
        try:
            shell = subprocess.Popen(
                [*_COMMAND, str(self._directory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=_NEW_GROUP,
                cwd="/",
            )
        except OSError as error:
            _log.debug("no janitor: %s", error)
            return None
        if shell.stdin is not None:
            self._keep_in_forks = close_in_forks(shell.stdin.fileno())
        return shell

    def _call_off(self) -> None:
        if self._keep_in_forks is not None:
            self._keep_in_forks()
