"""A terminal for a program's standard output: what it shows, in the order in which it shows it."""

import os
import threading
import tty
from collections.abc import Generator
from contextlib import contextmanager, suppress

__all__ = ["Terminal", "open_terminal"]

_PATIENCE = 10  # seconds


class Terminal:
    """What programs write to `descriptor` is in `shown` once the block is left."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._shown = bytearray()

    @property
    def shown(self) -> str:
        return self._shown.decode()

    def watch(self, screen: int) -> None:
        """Take what is written until nobody holds the terminal any more."""
        with suppress(OSError):  # which is how Linux says so
            while chunk := os.read(screen, 65536):
                self._shown += chunk


@contextmanager
def open_terminal() -> Generator[Terminal]:
    """Open a terminal; leaving waits until all that hold it have closed it."""
    screen, descriptor = os.openpty()
    tty.setraw(descriptor)  # lines end as they are written
    terminal = Terminal(descriptor)
    watcher = threading.Thread(target=terminal.watch, args=(screen,), daemon=True)
    watcher.start()
    try:
        yield terminal
    finally:
        os.close(descriptor)
        watcher.join(_PATIENCE)
        assert not watcher.is_alive(), "a process that was started still holds the terminal"
        os.close(screen)
