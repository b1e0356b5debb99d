"""Times that wool promises on a machine of its own."""

import os

__all__ = ["promised"]


def promised(seconds: float) -> float:
    """Return what is left of a promise where others keep the machine busy: longer in proportion."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
