"""A remote generator and the same one run here: nothing that a caller can do tells them apart."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from types import AsyncGeneratorType
from typing import Any, cast

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,  # pyright: ignore[reportUnknownVariableType]
)

import wool
from tests.awkward import CarriesCode, Multiple
from tests.loops import options
from tests.notes import described, noted
from tests.twin_generators import FAMILY, Kind, yielding_in_finally

_LIVES, _STEPS = 220, 50  # of pairs, and of steps in each life; some come in twos or threes
_LONGEST = 20  # steps that any of the family takes to end, closed again and again

Generator = AsyncGenerator[Any, Any]
Step = Callable[[Generator], Awaitable[Any]]


@dataclass(frozen=True)
class _Throw:
    """Makes the exception anew for each twin."""

    make: Callable[[], BaseException]

    def __call__(self, stream: Generator) -> Awaitable[Any]:
        return stream.athrow(self.make())


@dataclass(frozen=True)
class _Send:
    value: Any

    def __call__(self, stream: Generator) -> Awaitable[Any]:
        return stream.asend(self.value)


def _next(stream: Generator) -> Awaitable[Any]:
    return anext(stream)


def _close(stream: Generator) -> Awaitable[Any]:
    return stream.aclose()


_thrown: list[Callable[[], BaseException]] = [
    Exception,
    TimeoutError,
    partial(ValueError, "a", 1),
    partial(KeyError, "key"),
    partial(OSError, 2, "gone"),
    partial(Multiple, "disk", code=1),
    partial(ExceptionGroup, "group", [ValueError(1), KeyError(2)]),
    partial(CarriesCode, "x"),
    GeneratorExit,
    partial(GeneratorExit, "why"),
    asyncio.CancelledError,
    partial(asyncio.CancelledError, "why"),
    partial(StopAsyncIteration, "x"),
    partial(StopIteration, 3),
]
_going_on = st.just(_next) | st.builds(_Send, st.none() | st.integers() | st.text(max_size=5))
_throwing = st.builds(_Throw, st.sampled_from(_thrown))
# In a task of their own these two would end the loop.
_exiting = st.sampled_from([_Throw(partial(SystemExit, 3)), _Throw(KeyboardInterrupt)])


class _Twin:
    """One of two generators, and what came of all that was done to it."""

    def __init__(self, stream: Generator, notes: Callable[[], Awaitable[list[Any]]]) -> None:
        self.stream = cast("AsyncGeneratorType[Any, Any]", stream)
        self._notes = notes
        self.stopped = False
        self.steps_after_the_end = -1

    async def take(self, steps: list[Step]) -> Any:
        """Take steps, all at once if they are several; tell what a caller can observe."""
        if len(steps) == 1:
            came = [await self._outcome(steps[0])]
        else:
            tasks = [asyncio.create_task(self._outcome(step)) for step in steps]
            came = [await task for task in tasks]
        self.steps_after_the_end += self.stopped or self.stream.ag_frame is None
        return came, self.stream.ag_running, await self._notes()

    async def _outcome(self, step: Step) -> Any:
        try:
            return "value", await step(self.stream)
        except BaseException as error:  # noqa: BLE001 - whatever comes is compared
            self.stopped |= isinstance(error, StopAsyncIteration)
            return "raised", described(error)


class _Twins:
    """Drives pairs of them, from a thread, on a loop that has a pool."""

    def __init__(self, portal: BlockingPortal, pool: wool.WorkerPool) -> None:
        self._portal = portal
        self._pool = pool
        self._keys = itertools.count()
        self.taken = 0

    def open(self, kind: Kind) -> tuple[_Twin, _Twin]:
        key = str(next(self._keys))
        here = _Twin(kind.local(key), partial(noted.local, key))
        return here, _Twin(kind(key), partial(noted, key))

    def take(self, twins: tuple[_Twin, _Twin], steps: list[Step]) -> None:
        self.taken += len(steps)
        here, there = self._portal.call(self._both, twins, steps)
        assert there == here

    async def _both(self, twins: tuple[_Twin, _Twin], steps: list[Step]) -> list[Any]:
        with self._pool.activate():
            return [await twin.take(steps) for twin in twins]


_goes_on = precondition(lambda self: self._pair[0].steps_after_the_end < 1)


class _Misuse(RuleBasedStateMachine):
    """Does everything to a pair of generators, and opens another pair when they have ended."""

    def __init__(self, twins: _Twins) -> None:
        super().__init__()
        self._twins = twins

    @initialize(kind=st.sampled_from(FAMILY))
    def begin(self, kind: Kind) -> None:
        self._kind, self._pair = kind, self._twins.open(kind)

    @precondition(lambda self: self._pair[0].steps_after_the_end > 0)
    @rule(kind=st.sampled_from(FAMILY), started=st.sampled_from([True, True, True, False]))
    def begin_again(self, kind: Kind, started: bool) -> None:
        self._kind, self._pair = kind, self._twins.open(kind)
        if started:
            self._twins.take(self._pair, [_next])

    @_goes_on
    @rule(steps=st.lists(_going_on, min_size=1, max_size=3))
    def go_on(self, steps: list[Step]) -> None:
        for step in steps:
            self._twins.take(self._pair, [step])

    @_goes_on
    @rule(step=_throwing)
    def throw(self, step: Step) -> None:
        self._twins.take(self._pair, [step])

    @_goes_on
    @rule()
    def close(self) -> None:
        self._twins.take(self._pair, [_close])

    # One that carries them over a yield raises RoutineExited at last.
    @precondition(lambda self: self._kind is not yielding_in_finally)
    @_goes_on
    @rule(step=_exiting)
    def exit(self, step: Step) -> None:
        self._twins.take(self._pair, [step])

    @_goes_on
    @rule(steps=st.lists(_going_on | _throwing | st.just(_close), min_size=2, max_size=3))
    def at_once(self, steps: list[Step]) -> None:
        self._twins.take(self._pair, steps)

    def teardown(self) -> None:
        """End the pair, and see that both do."""
        if hasattr(self, "_pair"):
            for step in [_close, _next] * _LONGEST:
                self._twins.take(self._pair, [step])
                if self._pair[0].stopped:
                    break


@pytest.fixture
def twins() -> Iterator[_Twins]:
    with start_blocking_portal("asyncio", options()) as portal:
        pool: AbstractContextManager[wool.WorkerPool]
        pool = portal.wrap_async_context_manager(wool.WorkerPool(size=1))
        with pool as opened:
            yield _Twins(portal, opened)


# Python says so of those that ignored being closed, once they are collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_remote_generator_does_what_the_same_one_does_here(twins: _Twins) -> None:
    run_state_machine_as_test(
        cast("type[RuleBasedStateMachine]", partial(_Misuse, twins)),
        settings=settings(
            max_examples=_LIVES,
            stateful_step_count=_STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    assert twins.taken >= 10_000
