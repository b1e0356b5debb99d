"""Routines that log."""

import asyncio
import logging
import os
import threading
from collections.abc import AsyncGenerator

import wool

__all__ = [
    "a_fork_logs",
    "each_step_logs",
    "logs",
    "logs_an_exception",
    "logs_and_dies",
    "logs_extras",
    "logs_in_a_thread",
    "relays_logs",
]

_log = logging.getLogger(__name__)


@wool.routine
async def logs(*messages: str, level: int = logging.WARNING) -> int:
    for message in messages:
        _log.log(level, "said %s", message, extra={"said": message, "lock": threading.Lock()})
    return os.getpid()


@wool.routine
async def relays_logs(message: str) -> int:
    return await logs(message)


@wool.routine
async def logs_an_exception() -> None:
    try:
        raise LookupError("logged")
    except LookupError:
        _log.exception("it failed")


@wool.routine
async def logs_in_a_thread(message: str) -> None:
    await asyncio.to_thread(_log.warning, "%s", message)


@wool.routine
async def each_step_logs() -> AsyncGenerator[int, None]:
    for n in range(3):
        _log.warning("step %d", n)
        yield n


@wool.routine
async def a_fork_logs() -> int:
    child = os.fork()
    if child == 0:
        _log.warning("from a fork")
        os._exit(0)
    return os.waitpid(child, 0)[1]  # noqa: ASYNC222


class OneWay(Exception):
    """Can be pickled, but not unpickled: it does not pass its arguments on."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__()
        self.sum = first + second


@wool.routine
async def logs_extras(**extras: object) -> None:
    _log.warning("with extras", extra={"one_way": OneWay(1, 2), **extras})


@wool.routine
async def logs_and_dies() -> None:
    _log.warning("the last word")
    os._exit(3)
