"""On which worker an exception was raised, as a note of it."""

from __future__ import annotations

__all__ = ["is_noted", "note_worker"]

import asyncio
import contextlib
import os
from typing import cast

from wool.support.notes import note

_NOTE = "raised on worker "
_NO_ERRORS = (asyncio.CancelledError, GeneratorExit)


def note_worker(error: BaseException) -> None:
    """Note on what a routine raises here that it was here, unless it came from another worker."""
    with contextlib.suppress(BaseException):  # its attributes are user code
        if not isinstance(error, _NO_ERRORS) and not is_noted(error):
            note(error, f"{_NOTE}{os.getpid()}")


def is_noted(error: BaseException) -> bool:
    """Tell whether an exception says on which worker it was raised."""
    notes: object = getattr(error, "__notes__", None)
    if not isinstance(notes, list):  # anybody may set it
        return False
    return any(str(each).startswith(_NOTE) for each in cast("list[object]", notes))
