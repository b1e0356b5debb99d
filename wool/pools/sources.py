"""The sources of an open pool, kept running whatever becomes of each."""

from __future__ import annotations

__all__ = ["Sources"]

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from uuid import UUID

from wool.discovery.roster import Roster
from wool.discovery.source import Source
from wool.exceptions import StartupError
from wool.support.waiting import first_of, settle

_log = logging.getLogger(__name__)

_PAUSE = 1.0  # seconds before a source that failed is begun again


class Sources:
    """Runs every source until `stop`. One that fails is begun again; one that ends has ended."""

    def __init__(self, sources: Iterable[Source], roster: Roster) -> None:
        self._sources: Sequence[Source] = list(sources)
        self._roster = roster
        self._loop = asyncio.get_running_loop()
        self._stopping: asyncio.Future[None] = self._loop.create_future()

    @property
    def restarted(self) -> int:
        """How many workers were started in the place of others."""
        return sum(source.restarted for source in self._sources)

    @property
    def predecessors(self) -> Mapping[UUID, int]:
        """How many workers came before each one in its place."""
        return {uid: n for source in self._sources for uid, n in source.predecessors.items()}

    async def until_ready(self) -> None:
        """Wait until every source is ready. Raises why the first of them is not."""
        readies = [source.ready for source in self._sources]
        if readies:
            done, _ = await asyncio.wait(readies, return_when=asyncio.FIRST_EXCEPTION)
            for ready in done:
                ready.result()

    async def run(self) -> None:
        """Run the sources until `stop` is called and the last has ended.

        Cancelled, cancel them. What one raises when it was told to stop is raised at the end.
        """
        keeping = [asyncio.ensure_future(self._keep(source)) for source in self._sources]
        try:
            await first_of(self._stopping)
            if keeping:
                await asyncio.wait(keeping)
        finally:
            for task in keeping:
                task.cancel()
            await settle(keeping)
        for task in keeping:
            task.result()

    def stop(self) -> None:
        """Have every source end. To repeat it is harmless."""
        if not self._stopping.done():
            self._stopping.set_result(None)
        for source in self._sources:
            source.stop()

    async def _keep(self, source: Source) -> None:
        while True:
            failed = await self._failure(source)
            if self._stopping.done():
                if failed is not None:
                    raise failed
                return
            if not source.ready.done():
                source.ready.set_exception(failed or _ended(source))
                return
            self._report(source, failed)
            if failed is None or await first_of(self._stopping, timeout=_PAUSE):
                return

    async def _failure(self, source: Source) -> BaseException | None:
        """Run a source; return what it raised, if it did."""
        running = asyncio.ensure_future(source.run())
        try:
            await asyncio.wait([running])
        finally:
            running.cancel()
            await settle([running])
        if running.cancelled():  # by itself: had this task been, it would not come here
            return asyncio.CancelledError("the source's own task")
        return running.exception()

    def _report(self, source: Source, failed: BaseException | None) -> None:
        """Have calls that find nobody say why, and the log."""
        error = _ended(source) if failed is None else _trouble(source, failed)
        self._roster.note_trouble(error)
        # Filters and handlers of logs are user code.
        self._loop.call_soon(partial(_log.error, "%s", error, exc_info=failed))


def _ended(source: Source) -> StartupError:
    return StartupError(f"a source of workers has ended, though its pool is open: {source!r}")


def _trouble(source: Source, failed: BaseException) -> StartupError:
    if isinstance(failed, StartupError):
        return failed
    why = f"{type(failed).__name__}: {failed}"
    error = StartupError(f"a source of workers failed, and begins again: {source!r}: {why}")
    error.__cause__ = failed
    return error
