"""Signals of a worker, and those of the processes that its routines fork.

A terminal's Ctrl-C, and a service manager's request to end, are the parent's to handle. A worker
hears them and does nothing; what it forks hears them as the forks of any program do.
"""

from __future__ import annotations

__all__ = ["leave_to_the_parent"]

import os
import signal
import threading
from types import FrameType
from typing import Any

_LEFT = (signal.SIGINT, signal.SIGTERM)


def leave_to_the_parent() -> None:
    """Do nothing from now on when this process is asked to end. Forks of it do."""
    plain = dict[signal.Signals, Any]()
    for number in _LEFT:
        if signal.getsignal(number) is not signal.SIG_IGN:
            # A handler, unlike SIG_IGN, is not inherited by the programs that routines start.
            plain[number] = signal.signal(number, _ignore)
    _Forking(plain)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Take a signal and do nothing."""


class _Forking:
    """Gives forks the handlers `plain`, unless routines have set their own.

    Until a fork has them, its signals wait: `terminate()` may be called before the fork runs.
    """

    def __init__(self, plain: dict[signal.Signals, Any]) -> None:
        self._plain = plain
        self._before = threading.local()
        os.register_at_fork(
            before=self._hold_back,
            after_in_parent=self._let_go,
            after_in_child=self._make_plain,
        )

    def _hold_back(self) -> None:
        self._before.mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._plain)

    def _let_go(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before.mask)

    def _make_plain(self) -> None:
        signal.set_wakeup_fd(-1)  # a fork would wake up the loop of its parent
        for number, handler in self._plain.items():
            if signal.getsignal(number) is _ignore:
                signal.signal(number, handler)
        self._plain.clear()  # forks of a fork are left alone
        self._let_go()
