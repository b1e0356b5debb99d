"""Short and long forms: `make test` runs the short ones, `make soak` the long ones."""

import os
from typing import TypeVar

import pytest

__all__ = ["LONG", "long_or_short", "may_take"]

T = TypeVar("T")

LONG = os.environ.get("WOOL_SOAK") == "1"


def long_or_short(long: T, short: T) -> T:
    return long if LONG else short


def may_take(seconds: float) -> pytest.MarkDecorator:
    """Give a test's long form this many seconds, and its short form as many as any other."""
    return pytest.mark.timeout(seconds) if LONG else pytest.mark.timeout(60)
