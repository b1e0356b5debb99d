"""What the others call: plain functions, in a module that imports nothing."""

from typing import Any

__all__ = ["echo", "noop"]


def noop() -> None:
    """Do nothing."""


def echo(value: Any) -> Any:
    """Give the value back."""
    return value
