"""An error that map raises says for which item, however the others' results come."""

import asyncio

import pytest

from wool.dispatch.mapping import Rows, mapped

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("turns", range(4))
async def test_an_error_that_comes_some_turns_after_a_result(turns: int, ordered: bool) -> None:
    go = asyncio.Event()

    async def reciprocal(number: int) -> float:
        await go.wait()
        if number == 0:
            for _ in range(turns):
                await asyncio.sleep(0)
        return 1 / number

    # Reading ahead of both has ended: nothing is left that the stream would wait for.
    stream = mapped(reciprocal, Rows([[1, 0]]), lambda: 3, ordered=ordered)
    asyncio.get_running_loop().call_later(0.01, go.set)
    assert await anext(stream) == 1
    with pytest.raises(ZeroDivisionError) as caught:
        await anext(stream)
    assert caught.value.__notes__ == ["raised for item 1 of map, counted from 0"]
