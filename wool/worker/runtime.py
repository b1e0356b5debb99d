"""The worker at work: takes links in, runs their calls, and ends them within the grace."""

from __future__ import annotations

__all__ = ["Configuration", "Runtime"]

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass
from uuid import UUID

from wool.balancing.round_robin import RoundRobinLoadBalancer
from wool.discovery.roster import Roster
from wool.dispatch.loops import Dispatchers
from wool.protocol import wire_pb2 as wire
from wool.protocol.sessions import Sessions
from wool.settings import CallSettings
from wool.support.notes import note
from wool.transport import carriers
from wool.transport.link import Link
from wool.transport.reception import Reception
from wool.types import Lifespan, Peers
from wool.worker.leash import Leash
from wool.worker.lifespan import WorkerState, entered
from wool.worker.quota import Quota


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a worker needs, wherever it runs."""

    uid: UUID
    address: str
    """Where it listens; its carrier is named in it."""
    calls: CallSettings
    """For the calls that it takes, and those that its routines make."""
    quota: int | None = None
    """How many calls it takes; None for no limit."""
    lifespan: Lifespan | None = None
    """What its life is to be spent in."""


class Runtime:
    """One worker, on one event loop, which may have others: `alive`, and in that `serve`, once.

    What ends its process, or is set for all of it, is left to whoever runs it.
    """

    def __init__(self, configuration: Configuration, leash: Leash, state: WorkerState) -> None:
        self._configuration = configuration
        self._leash = leash
        self._state = state
        self._roster = Roster()
        self._callers: dict[Link, Sessions] = {}
        self._retired = asyncio.Event()
        self._drained = False
        self._quota = Quota(configuration.quota, leash.due)
        self._context = copy_context()
        self._deadline: float | None = None
        calls = configuration.calls
        self._peers = Dispatchers(self._roster, RoundRobinLoadBalancer(), calls)
        listener = carriers.listener(configuration.address, calls.max_message_size)
        self._reception = Reception(configuration.uid, calls.token, [listener], self._joined)

    @asynccontextmanager
    async def alive(self) -> AsyncGenerator[None]:
        """Run the lifespan around the block, and leave it within what is left of the grace.

        Raises what the lifespan raises, and TimeoutError if it is not left in time.
        """
        leaving = asyncio.timeout(None)
        try:
            async with leaving, entered(self._configuration.lifespan, self._state):
                yield
                leaving.reschedule(self._deadline)
        except TimeoutError as error:
            if leaving.expired():
                note(error, "The lifespan was not left within the pool's grace.")
            raise

    async def serve(self) -> bool:
        """Take calls until the leash says stop; tell whether all ended within the grace.

        If not, they still run, on links that are still open. Calls see the context variables that
        this is run with.
        """
        self._context = copy_context()
        await self._reception.open()
        self._leash.ready()
        draining = asyncio.ensure_future(self._drain())
        try:
            grace = await self._leash.follow(self)
        finally:
            draining.cancel()
        self._deadline = asyncio.get_running_loop().time() + grace
        self._reception.close()
        await self._turn_away_late_callers(self._deadline)
        if not await self._end_calls(self._deadline):
            return False
        await self.hang_up()
        return True

    async def hang_up(self) -> None:
        """Close every link, which cancels the calls that came on it. To repeat it is harmless."""
        await self._reception.aclose()
        self._peers.close()

    def update(self, peers: Peers, /) -> None:
        self._roster.follow(peers, here=self._configuration.uid)

    def retire(self) -> None:
        self._retired.set()

    def extend(self) -> None:
        if self._quota.extend():
            self._leash.extended()

    def _joined(self, link: Link) -> Sessions:
        """Serve a caller. When it hangs up, its calls end."""
        self._callers = {link: s for link, s in self._callers.items() if not s.done}
        sessions = self._callers[link] = Sessions(link, self._peers, self._context, self._admit)
        return sessions

    def _admit(self, opened: wire.Open) -> bool:
        return self._quota.take(beyond=opened.options.pinned)

    async def _drain(self) -> None:
        """Once another worker takes the calls, wait for those that run, and for callers to go."""
        await self._retired.wait()
        self._quota.end()
        self._reception.close()
        await self._reception.until_alone()
        self._drained = True
        self._leash.drained()

    async def _turn_away_late_callers(self, deadline: float) -> None:
        """Reject what they call, who came before they heard that this worker is retired."""
        if self._drained:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await self._reception.until_alone()

    async def _end_calls(self, deadline: float) -> bool:
        """Cancel what runs; tell whether all of it ended in time."""
        for sessions in self._callers.values():
            sessions.close()
        try:
            async with asyncio.timeout_at(deadline):
                for sessions in list(self._callers.values()):
                    await sessions.wait_closed()
        except TimeoutError:
            return False
        return True
