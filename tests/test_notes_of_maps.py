"""An error of a map says for which item it was raised."""

import asyncio

import pytest

import wool
from tests.home import Home, told
from tests.routines import evaluate

pytestmark = pytest.mark.anyio


async def test_an_error_says_for_which_item_it_was_raised(pool: wool.WorkerPool) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        [n async for n in pool.map(evaluate, ["1", "2", "1 / 0", "3"])]
    assert caught.value.__notes__[-1] == "raised for item 2 of map, counted from 0"


@wool.routine
async def fail_when_told(home: str, word: str) -> None:
    if word:
        await told(home, word)
        raise ValueError(word)


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.both_loops
async def test_an_error_says_so_whenever_the_consumer_comes_for_it(
    pool: wool.WorkerPool, home: Home, turns: int
) -> None:
    for word in ("now", "and now", "and again"):
        results = pool.map(fail_when_told, [home.path] * 2, ["", word])
        failed = pool.stats().failed
        await anext(results)
        home.tell(word)
        while pool.stats().failed == failed:  # noqa: ASYNC110 - each turn of the loop counts
            await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0)
        with pytest.raises(ValueError, match=word) as caught:
            await anext(results)
        worker, item = caught.value.__notes__
        assert worker.startswith("raised on worker ")
        assert item == "raised for item 1 of map, counted from 0"
