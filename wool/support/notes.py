"""Notes on exceptions that are not wool's own."""

from __future__ import annotations

__all__ = ["note"]

import contextlib


def note(error: BaseException, text: str) -> None:
    """Add a note to `error`, unless its class lets nothing be added, as a frozen dataclass does."""
    with contextlib.suppress(AttributeError, TypeError):
        error.add_note(text)
