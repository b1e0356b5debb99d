"""Routines that use a library's ContextVars, and propagate none."""

import sys
from collections.abc import AsyncGenerator

import wool
from tests.library_of_variables import CORRELATION, SPAN, Correlation, bind, bound

__all__ = ["correlate", "has_imported", "label", "relay", "seen", "trail"]


@wool.routine
async def seen() -> tuple[str, str, str, dict[str, str]]:
    return CORRELATION.get(), Correlation.VAR.get(), SPAN.current.get(), bound()


@wool.routine
async def relay() -> tuple[str, str, str, dict[str, str]]:
    return await seen()


@wool.routine
async def correlate(value: str) -> None:
    CORRELATION.set(value)


@wool.routine
async def label(name: str, value: str) -> None:
    bind(name, value)


@wool.routine
async def trail() -> AsyncGenerator[str, None]:
    while True:
        yield CORRELATION.get()
        CORRELATION.set(f"{CORRELATION.get()}!")


@wool.routine
async def has_imported(module: str) -> bool:
    return module in sys.modules
