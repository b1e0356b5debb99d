import asyncio

import anyio
import pytest

from wool.support.waiting import settle


class Counted(asyncio.Future[None]):
    """A future that counts how often somebody looks at it."""

    looks = 0

    def done(self) -> bool:
        self.looks += 1
        return super().done()


@pytest.mark.anyio
async def test_a_cancellation_is_raised_when_everything_has_ended() -> None:
    waited_for = asyncio.Future[None]()
    settling = asyncio.create_task(settle([waited_for]))
    for _ in range(3):
        await asyncio.sleep(0)
        settling.cancel()
    await asyncio.sleep(0)
    assert not settling.done()
    waited_for.set_result(None)
    with pytest.raises(asyncio.CancelledError):
        await settling


@pytest.mark.anyio
async def test_results_and_errors_are_left_to_the_owner() -> None:
    async def fail() -> None:
        raise ValueError

    failed = asyncio.create_task(fail())
    await settle([failed])
    assert isinstance(failed.exception(), ValueError)


@pytest.mark.anyio
async def test_a_cancelled_scope_does_not_make_the_wait_a_busy_one() -> None:
    loop = asyncio.get_running_loop()
    waited_for = Counted(loop=loop)
    loop.call_later(0.05, _set, waited_for)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await settle([waited_for])
    assert waited_for.looks < 10


def _set(future: asyncio.Future[None]) -> None:
    future.set_result(None)
