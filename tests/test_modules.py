"""A worker imports the modules of its pool before it does anything else."""

import gc
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import wool
from tests.lives import (
    state_here,
)
from tests.routines import evaluate

pytestmark = pytest.mark.anyio


async def test_the_modules_are_imported_before_the_lifespan_is_entered() -> None:
    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[bool]:
        yield "wave" in sys.modules

    async with wool.WorkerPool(size=1, modules=["wave"], lifespan=lifespan):
        assert await state_here()


async def test_a_worker_imports_the_modules_before_it_takes_work() -> None:
    async with wool.WorkerPool(size=1, modules=["tests.lives", "wave"]):
        modules = await evaluate("list(__import__('sys').modules)")
    assert modules.index("tests.lives") < modules.index("wave")


@pytest.mark.parametrize(
    ("module", "error"),
    [
        ("tests.nowhere", "ModuleNotFoundError: No module named 'tests.nowhere'"),
        ("tests.early", "RuntimeError: worker_state() is there once"),
    ],
)
async def test_a_module_that_cannot_be_imported_is_a_startup_error(module: str, error: str) -> None:
    with pytest.raises(wool.StartupError) as caught:
        await wool.WorkerPool(size=1, modules=("wave", module)).__aenter__()
    assert error in caught.value.stderr


@pytest.mark.parametrize("modules", ["wave", [3], [b"wave"], 5])
async def test_what_are_no_names_of_modules_is_refused_when_the_pool_is_made(modules: Any) -> None:
    with pytest.raises(TypeError):
        wool.WorkerPool(modules=modules)
    gc.collect()
