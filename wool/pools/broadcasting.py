"""One call on every worker."""

from __future__ import annotations

__all__ = ["broadcast"]

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any
from uuid import UUID

from wool.discovery.roster import Roster
from wool.dispatch.loops import Dispatchers
from wool.dispatch.workers import Departed
from wool.exceptions import BroadcastError, RemoteError
from wool.pools.through import routine_name, through
from wool.protocol.raised_on import is_noted
from wool.support.notes import note
from wool.support.waiting import settle
from wool.tasks import Placement
from wool.types import WorkerMetadata


async def broadcast(
    pool: Dispatchers,
    roster: Roster,
    call: Callable[[], Coroutine[Any, Any, Any]],
) -> dict[UUID, Any]:
    """Return what `call`, of a routine, gives on each worker that is there.

    Where one left before its call started, the one that has its place by then is called. If nobody
    is there, it waits as a call does. Raises BroadcastError once all have ended, if one raised, and
    what a call that is not started raises.
    """
    through(pool, call, coroutine_only=True)  # refuses what is no routine, even if nobody is there
    await pool.until_anyone(routine_name(call))
    results = dict[UUID, Any]()
    errors = dict[UUID, Exception]()
    workers = roster.workers
    while workers:
        departed = list[UUID]()
        for uid, ended in (await _ended(pool, workers, call)).items():
            error = _error(ended)
            if error is None:
                results[uid] = ended.result()
            elif isinstance(error, Departed):
                departed.append(uid)
            else:
                if not is_noted(error):
                    note(error, f"raised on worker {workers[uid].pid}")
                errors[uid] = error
        workers = _successors(roster, departed)
    if errors:
        raise BroadcastError.of(routine_name(call), errors, results)
    return results


def _successors(roster: Roster, departed: Iterable[UUID]) -> Mapping[UUID, WorkerMetadata]:
    there = roster.workers
    uids = map(roster.successor, departed)
    return {uid: there[uid] for uid in uids if uid is not None and uid in there}


async def _ended(
    pool: Dispatchers, workers: Iterable[UUID], call: Callable[[], Coroutine[Any, Any, Any]]
) -> dict[UUID, asyncio.Task[Any]]:
    """Call on each of `workers` and wait until all have ended. Cancelled, cancel them."""
    calls = dict[UUID, asyncio.Task[Any]]()
    for uid in workers:
        there = through(pool, call, coroutine_only=True, placement=Placement(worker=uid))
        calls[uid] = asyncio.create_task(there())
        calls[uid].add_done_callback(_note_end)
    try:
        if calls:
            await asyncio.wait(calls.values())
    finally:
        await _end(calls.values())
    return calls


async def _end(calls: Iterable[asyncio.Task[Any]]) -> None:
    running = [call for call in calls if not call.done()]
    for call in running:
        call.cancel()
    await settle(running)


def _note_end(call: asyncio.Task[Any]) -> None:
    if not call.cancelled():
        call.exception()  # it has been seen, even if nobody waits for it any more


def _error(call: asyncio.Task[Any]) -> Exception | None:
    """Return what a call raised."""
    try:
        call.result()
    except Exception as error:  # noqa: BLE001 - the routine's
        return error
    except BaseException as error:  # noqa: BLE001 - the routine's, CancelledError above all
        return _as_exception(error)
    return None


def _as_exception(error: BaseException) -> Exception:
    """Return what can stand for `error` in a group, which takes exceptions only."""
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}"
    remote = RemoteError(f"the routine raised {kind.__name__}: {error}", type=name)
    remote.__cause__ = error
    return remote
