"""A pool's life at random: what is done to it, and what holds after each thing that was done."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import wool
from tests.faults.journal import Journal, note
from tests.faults.promises import promised
from tests.faults.until import is_running, until
from tests.lives import breaking
from tests.routines import pid

__all__ = ["Walk"]

_TOLD = (wool.WorkerDied, wool.PoolClosed)
"""What a call may raise that was started and whose worker was killed, or whose pool was left."""
_DEPTH = 2


@wool.routine
async def work(journal: str, seconds: float, number: int) -> int:
    note(journal)
    await asyncio.sleep(seconds)
    return number


@wool.routine
async def numbers(journal: str) -> AsyncGenerator[int, None]:
    note(journal)
    number = 0
    while True:
        yield number
        number += 1


@dataclass
class Nest:
    """A pool, and what was done to it."""

    pool: wool.WorkerPool
    size: int
    broken: Path
    stopped: set[int] = field(default_factory=set[int])
    calls: list[asyncio.Task[int]] = field(default_factory=list[asyncio.Task[int]])
    streams: list[AsyncGenerator[int, None]] = field(
        default_factory=list[AsyncGenerator[int, None]]
    )

    @property
    def pids(self) -> set[int]:
        return {worker.pid for worker in self.pool.workers.values()}

    @property
    def is_whole(self) -> bool:
        """Whether nothing keeps it from having all its workers, and those from answering."""
        return not self.stopped and not self.broken.exists()


class Walk:
    """Pools, one in the other, to which one thing after the other happens."""

    def __init__(self, seed: int, place: Path, journal: Journal) -> None:
        self._random = random.Random(seed)
        self._place = place
        self._journal = journal
        self._nests: list[Nest] = []
        self._made = 0
        self.ended = 0
        """How many calls have come to an end that is allowed."""
        self.steps: list[str] = []
        """What was done."""

    async def run(self, steps: int) -> None:
        """Do so many things, and leave the pools. Raises AssertionError or TimeoutError."""
        try:
            for _ in range(steps):
                do = self._random.choice(list(self._possible()))
                self.steps.append(do.__name__)
                await do()
                await self._see_that_all_is_well()
        finally:
            while self._nests:
                await self.leave()

    def _possible(self) -> Iterator[Callable[[], Awaitable[None]]]:
        if len(self._nests) < _DEPTH:
            yield self.open
        if self._nests:
            yield from (self.call, self.call, self.stream, self.kill, self.kill_all, self.stop)
            yield from (self.let_go_on, self.fail_to_start, self.cure, self.leave)
            if self._inner.streams:
                yield from (self.take_items, self.close_a_stream)

    @property
    def _inner(self) -> Nest:
        return self._nests[-1]

    async def open(self) -> None:
        self._made += 1
        broken = self._place / f"broken-{self._made}"
        size = self._random.randint(1, 2)
        quota = self._random.choice([None, None, 5])
        pool = wool.WorkerPool(
            size=size, lifespan=breaking(broken), grace=0.5, max_tasks_per_worker=quota
        )
        self._nests.append(Nest(await pool.__aenter__(), size, broken))

    async def leave(self) -> None:
        nest = self._nests.pop()
        pids = nest.pids
        await nest.pool.aclose()
        assert nest.pool.closed
        assert not any(map(is_running, pids))
        for call in nest.calls:
            await self._see_its_end(call)
        for stream in nest.streams:
            await self._see_it_closed(stream)

    async def call(self) -> None:
        seconds = self._random.choice([0.0, 0.0, 0.05, 0.5])
        number = self._random.randrange(1000)
        call = asyncio.create_task(work(self._journal.path, seconds, number))
        call.set_name(f"{number}")
        self._inner.calls.append(call)
        await asyncio.sleep(0)  # the call is made, while its pool is open

    async def stream(self) -> None:
        self._inner.streams.append(numbers(self._journal.path))

    async def take_items(self) -> None:
        stream = self._random.choice(self._inner.streams)
        taking = asyncio.ensure_future(anext(stream))
        await asyncio.wait([taking], timeout=0.2)
        if not taking.done():  # its worker is stopped, or there is none
            taking.cancel()
        await asyncio.wait([taking])
        if taking.cancelled() or taking.exception() is not None:
            assert taking.cancelled() or isinstance(taking.exception(), _TOLD)
            self._inner.streams.remove(stream)
            self.ended += 1

    async def close_a_stream(self) -> None:
        await self.let_go_on()  # a stream on a stopped worker waits for as long as that is stopped
        await self._see_it_closed(self._inner.streams.pop())

    async def _see_it_closed(self, stream: AsyncGenerator[int, None]) -> None:
        closing = asyncio.ensure_future(stream.aclose())
        await asyncio.wait([closing], timeout=promised(5.0))
        assert closing.done()
        assert closing.exception() is None or isinstance(closing.exception(), _TOLD)
        self.ended += 1

    async def kill(self) -> None:
        workers = list(self._inner.pool.workers.values())
        if workers:
            await self._kill(self._random.choice(workers))

    async def kill_all(self) -> None:
        nest = self._random.choice(self._nests)
        for worker in nest.pool.workers.values():
            os.kill(worker.pid, signal.SIGKILL)
        for worker in nest.pool.workers.values():
            await until(lambda: worker.uid not in nest.pool.workers)  # noqa: B023
            nest.stopped.discard(worker.pid)

    async def _kill(self, worker: wool.WorkerMetadata) -> None:
        os.kill(worker.pid, signal.SIGKILL)
        await until(lambda: worker.uid not in self._inner.pool.workers)
        self._inner.stopped.discard(worker.pid)

    async def stop(self) -> None:
        for number in sorted(self._inner.pids)[:1]:
            os.kill(number, signal.SIGSTOP)
            self._inner.stopped.add(number)

    async def let_go_on(self) -> None:
        for number in self._inner.stopped:
            os.kill(number, signal.SIGCONT)
        self._inner.stopped.clear()

    async def fail_to_start(self) -> None:
        self._random.choice(self._nests).broken.touch()

    async def cure(self) -> None:
        for nest in self._nests:
            nest.broken.unlink(missing_ok=True)

    async def _see_that_all_is_well(self) -> None:
        for nest in self._nests:
            assert not nest.pool.closed
            if nest.is_whole:
                await until(lambda: len(nest.pids) >= nest.size, within=promised(15))  # noqa: B023
            for call in [call for call in nest.calls if call.done()]:
                nest.calls.remove(call)
                await self._see_its_end(call)
        if self._nests and self._inner.is_whole:
            await self._see_who_answers()

    async def _see_who_answers(self) -> None:
        """See that calls go to the innermost pool, though its workers may be replaced just now."""
        async with asyncio.timeout(promised(15)):
            while True:
                answers = asyncio.create_task(pid())
                others = {number for nest in self._nests[:-1] for number in nest.pids}
                assert await answers not in others
                if answers.result() in self._inner.pids:
                    return

    async def _see_its_end(self, call: asyncio.Task[int]) -> None:
        async with asyncio.timeout(promised(10)):
            await asyncio.wait([call])
        error = call.exception()
        assert error is None or isinstance(error, _TOLD), error
        assert error is not None or call.result() == int(call.get_name())
        self.ended += 1
