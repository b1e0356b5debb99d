"""How a worker's process ended, as soon as it has.

On Linux the loop is told by a descriptor of the process. Elsewhere a thread waits; a program that
forks while it has threads is warned by Python 3.12 and later, so there is none where it can be
done without.
"""

from __future__ import annotations

__all__ = ["Exit"]

import asyncio
import contextlib
import errno
import os
import subprocess
import sys
import threading


class Exit:
    """Waits for a process, from when it is made until `close`. Raises OSError if it can't.

    `by_thread` has a thread wait, whatever the system offers.
    """

    def __init__(self, process: subprocess.Popen[bytes], *, by_thread: bool = False) -> None:
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._descriptor: int | None = None
        self._thread: threading.Thread | None = None
        self.returncode: asyncio.Future[int | None] = self._loop.create_future()
        """How it ended, as `subprocess` has it."""
        if by_thread or not self._watch_descriptor():
            self._start_thread()

    def close(self) -> None:
        """Let go of what waits for a process that has ended. To repeat it is harmless."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            self._loop.remove_reader(descriptor)
            os.close(descriptor)
        if self._thread is not None:
            self._thread.join()

    def _watch_descriptor(self) -> bool:
        if sys.platform != "linux":
            return False
        try:
            self._descriptor = os.pidfd_open(self._process.pid)
        except OSError:  # an old kernel, or a sandbox; or there are too many descriptors
            return False
        self._loop.add_reader(self._descriptor, self._on_readable)
        return True

    def _on_readable(self) -> None:
        returncode = self._process.poll()
        if returncode is not None:
            self.close()
            self._note(returncode)

    def _start_thread(self) -> None:
        self._thread = threading.Thread(
            target=self._wait, name=f"wool-{self._process.pid}", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError as error:
            self._thread = None
            raise OSError(errno.EAGAIN, f"nothing can wait for its end: {error}") from error

    def _wait(self) -> None:
        returncode = self._process.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            self._loop.call_soon_threadsafe(self._note, returncode)

    def _note(self, returncode: int) -> None:
        if not self.returncode.done():
            self.returncode.set_result(returncode)
