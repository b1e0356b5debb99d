"""What cloudpickle knows of functions, and does not announce."""

from __future__ import annotations

__all__ = ["globals_of", "is_by_reference"]

from collections.abc import Iterable
from types import CodeType, FunctionType
from typing import Any

import cloudpickle.cloudpickle  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

_cloudpickle: Any = cloudpickle.cloudpickle


def globals_of(code: CodeType) -> Iterable[str]:
    """Return the names of the globals that code uses, and the code of functions in it."""
    names: Iterable[str] = _cloudpickle._extract_code_globals(code)  # noqa: SLF001
    return names


def is_by_reference(function: FunctionType) -> bool:
    """Tell whether another process finds a function by importing its module."""
    found: bool = _cloudpickle._should_pickle_by_reference(function)  # noqa: SLF001
    return found
