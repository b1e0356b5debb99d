"""How long a test waits for what has no promised time."""

__all__ = ["PATIENCE"]

PATIENCE = 30.0
"""Seconds after which something hangs, also where many others keep the machine busy."""
