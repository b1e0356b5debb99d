"""A routine with tags runs where the workers have them, and says so where they don't."""

from enum import Enum, StrEnum
from typing import Any

import pytest

import wool
from tests.routines import pid

pytestmark = pytest.mark.anyio


@wool.routine(tags=("gpu",))
async def on_a_gpu() -> tuple[str | None, frozenset[str]]:
    task = wool.current_task()
    assert task is not None
    return task.tag, task.tags


@wool.routine
async def relay() -> str | None:
    tag, _ = await on_a_gpu()
    return tag


@wool.routine
async def nested_pid(*tags: str) -> int:
    return await pid.options(tags=tags)()


async def test_workers_with_all_the_tags_get_the_call() -> None:
    async with wool.WorkerPool("gpu", "large", size=1):
        assert await on_a_gpu() == ("gpu", frozenset({"gpu"}))
        assert await pid.options(tags=["large", "gpu"])() == await pid()


async def test_nested_calls_go_by_tags_too() -> None:
    async with wool.WorkerPool("gpu", size=1):
        assert await relay() == "gpu"


async def test_each_worker_knows_all_the_tags_of_the_others() -> None:
    async with wool.WorkerPool("gpu", "large", size=2) as pool:
        pids = {worker.pid for worker in pool.workers.values()}
        for each in pids:
            while await nested_pid("gpu", "large") != each:
                pass
        with pytest.raises(wool.NoWorkersAvailable, match=r"have \['gpu', 'large'\]"):
            await nested_pid("gpu", "huge")


async def test_a_call_that_no_worker_can_take_says_which_tags_are_missing() -> None:
    async with wool.WorkerPool("large", size=1):
        with pytest.raises(wool.NoWorkersAvailable, match=r"\['gpu'\].* have \['large'\]"):
            await on_a_gpu()


class Kind(StrEnum):
    GPU = "gpu"


class Mixed(str, Enum):  # noqa: UP042 - its str() is not its value
    GPU = "gpu"


@pytest.mark.parametrize("tag", [Kind.GPU, Mixed.GPU], ids=["StrEnum", "Enum"])
async def test_an_enumeration_names_tags_as_strings_do(tag: str) -> None:
    async with wool.WorkerPool(tag, size=1):
        await pid.options(tags=[tag])()
        await on_a_gpu()


async def _nothing() -> None: ...


@pytest.mark.parametrize("tags", ["gpu", [1], None])
def test_tags_are_strings(tags: Any) -> None:
    with pytest.raises(TypeError, match="string"):
        wool.routine(tags=tags)(_nothing)
