"""The environment of the programs that tests start: a new machine's, whatever this one has set."""

import os

__all__ = ["on_a_new_machine"]

_KEPT = {"PATH", "HOME", "LANG", "TMPDIR", "WOOL_TEST_LOOP"}
_MEASURING = "COVERAGE_"  # `make coverage` measures programs, too


def on_a_new_machine(**more: str) -> dict[str, str]:
    """Return what a program finds there, and `more`."""
    kept = {n: v for n, v in os.environ.items() if n in _KEPT or n.startswith(_MEASURING)}
    return kept | more
