"""`@routine`: how a call becomes a Task, and nothing about how it travels."""

from __future__ import annotations

__all__ = ["Routine", "options_of", "redirected", "routine", "routine_of"]

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextvars import copy_context
from functools import partial
from types import FunctionType
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast, overload
from weakref import WeakKeyDictionary

from wool.context import active_pool, running_task
from wool.events import emit, is_watched
from wool.reference import PLAIN, is_generator
from wool.tasks import ANYWHERE, NO_OPTIONS, Options, Placement, Task
from wool.types import PoolLike

P = ParamSpec("P")
Q = ParamSpec("Q")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")
Y = TypeVar("Y")
S = TypeVar("S")

_options: WeakKeyDictionary[Any, Options] = WeakKeyDictionary()
"""Every routine's. What functools.wraps makes of a routine is none, though it looks like one."""


class Routine(Protocol[P, R_co]):
    """What `@routine` makes of a function: calling it dispatches to the active pool."""

    __name__: str
    __qualname__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

    def options(
        self,
        *,
        timeout: float | None = ...,
        tags: Iterable[str] = ...,
        prefetch: int = ...,
        idempotent: bool = ...,
    ) -> Routine[P, R_co]:
        """Return the same routine with other options; those not given stay as they are."""
        ...

    def local(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run the plain function here. For a method, pass the instance first."""
        ...

    @overload
    def __get__(self, instance: None, owner: type | None = None, /) -> Routine[P, R_co]: ...
    @overload
    def __get__(
        self: Routine[Concatenate[Any, Q], R_co], instance: object, owner: type | None = None, /
    ) -> Callable[Q, R_co]: ...


@overload
def routine(function: classmethod[T, P, R_co], /) -> classmethod[T, P, R_co]: ...
@overload
def routine(function: staticmethod[P, R_co], /) -> staticmethod[P, R_co]: ...  # type: ignore[overload-overlap]
@overload
def routine(
    function: Callable[P, Coroutine[Any, Any, T]], /
) -> Routine[P, Coroutine[Any, Any, T]]: ...
@overload
def routine(function: Callable[P, AsyncGenerator[Y, S]], /) -> Routine[P, AsyncGenerator[Y, S]]: ...
@overload
def routine(
    *,
    timeout: float | None = None,
    tags: Iterable[str] = (),
    prefetch: int = 0,
    idempotent: bool = False,
) -> _Decorator: ...
def routine(function: Any = None, /, **options: Any) -> Any:  # noqa: D417 - as overloaded
    """Make an async function, or an async generator function, run on the active pool.

    The call keeps its meaning: arguments and results travel by pickle, exceptions come back as
    themselves, cancelling the caller cancels the routine. A call runs at most once. Methods, class
    methods and static methods work too, in either order of the decorators.

    A coroutine's cancellation is sent to the worker, and the caller waits for the clean-up there
    for at most the pool's `grace` seconds. A generator starts at its first step and advances one
    step per command; its `aclose()` returns after the remote `finally` blocks ran.

    Args:
        function: The function, where no options are given.
        timeout: How many seconds a call, or a step of a generator, may take; then it is cancelled
            and raises DispatchTimeout, once it has cleaned up, or after the pool's `grace`: what
            computes is not interrupted. Calls that the routine makes have what is left of it.
        tags: Only workers that have all of them get the call.
        prefetch: Up to how many items a generator runs ahead of its consumer: for plain iteration,
            since a value that is sent to it is a TypeError, and an exception that is thrown in, or
            a cancelled step, closes it wherever it is.
        idempotent: Whether a call whose worker dies is made again on another, three times in all,
            so that it may run more than once.

    Raises:
        TypeError: For anything other than such a function.
        NoActivePool: By calls, where no pool is active.
    """
    checked = NO_OPTIONS.changed(**options) if options else NO_OPTIONS
    return partial(_decorate, options=checked) if function is None else _decorate(function, checked)


def redirected(wrapper: Any, pool: PoolLike, placement: Placement = ANYWHERE) -> Any:
    """Return the routine `wrapper` with its calls going to `pool`; None if it is no routine."""
    options = options_of(wrapper)
    if options is None:
        return None
    function = getattr(wrapper, PLAIN)
    make = _generator_routine if is_generator(function) else _coroutine_routine
    return make(function, options, lambda _: pool, placement)


def options_of(wrapper: Any) -> Options | None:
    """Return what the routine `wrapper` was decorated with; None if it is no routine."""
    try:
        return _options.get(wrapper)
    except TypeError:  # it can't be hashed, or referred to weakly
        return None


def routine_of(function: FunctionType, options: Options) -> Any:
    """Return the routine that a function makes with these options."""
    return _decorate(function, options)


class _Decorator(Protocol):
    """`@routine(...)`, still without its function."""

    @overload
    def __call__(self, function: classmethod[T, P, R_co], /) -> classmethod[T, P, R_co]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: staticmethod[P, R_co], /
    ) -> staticmethod[P, R_co]: ...
    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, T]], /
    ) -> Routine[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __call__(
        self, function: Callable[P, AsyncGenerator[Y, S]], /
    ) -> Routine[P, AsyncGenerator[Y, S]]: ...


def _decorate(function: Any, options: Options) -> Any:
    if isinstance(function, classmethod | staticmethod):
        decorated = cast("classmethod[Any, ..., Any] | staticmethod[..., Any]", function)
        return type(decorated)(_decorate(decorated.__func__, options))
    if hasattr(function, PLAIN):
        raise TypeError(f"{function.__qualname__!r} is a routine already")
    if isinstance(function, FunctionType):
        if inspect.iscoroutinefunction(function):
            if options.prefetch:
                raise TypeError(f"prefetch= is for generators, not {function.__qualname__!r}")
            return _mark(_coroutine_routine(function, options), function, options)
        if inspect.isasyncgenfunction(function):
            return _mark(_generator_routine(function, options), function, options)
    raise TypeError(
        f"wool.routine takes an async function or an async generator function, and "
        f"{_described(function)}; declare it with 'async def'"
    )


def _described(thing: object) -> str:
    name = getattr(thing, "__qualname__", repr(thing))
    if inspect.isgeneratorfunction(thing):
        return f"{name!r} is a plain generator function"
    if isinstance(thing, FunctionType):
        return f"{name!r} is a plain function"
    if inspect.isclass(thing):
        return f"{name!r} is a class"
    return f"{name!r} is of type {type(thing).__name__!r}"


def _mark(wrapper: Any, function: FunctionType, options: Options) -> Any:
    setattr(wrapper, PLAIN, function)
    _options[wrapper] = options
    wrapper.local = function
    wrapper.options = partial(_with_options, function, options)
    return wrapper


def _with_options(function: FunctionType, options: Options, **changes: Any) -> Any:
    return _decorate(function, options.changed(**changes))


def _new_task(
    function: Callable[..., Any],
    options: Options,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    placement: Placement,
) -> Task:
    running = running_task.get()
    return Task(
        function,
        args,
        kwargs,
        running.key if running else b"",
        options=options,
        context=copy_context(),
        observed=is_watched(),
        placement=placement,
    )


def _coroutine_routine(
    function: Callable[..., Coroutine[Any, Any, Any]],
    options: Options,
    pool_for: Callable[[Task], PoolLike] = active_pool,
    placement: Placement = ANYWHERE,
) -> Any:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        task = _new_task(function, options, args, kwargs, placement)
        if not task.observed:
            return await pool_for(task).call(task)
        pool = pool_for(task)
        emit("task-created", task)
        try:
            return await pool.call(task)
        finally:
            emit("task-completed", task)

    return call


def _generator_routine(
    function: Callable[..., AsyncGenerator[Any, Any]],
    options: Options,
    pool_for: Callable[[Task], PoolLike] = active_pool,
    placement: Placement = ANYWHERE,
) -> Any:
    # A native generator in front of the remote one: misuse, closing and collection are Python's.
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        task = _new_task(function, options, args, kwargs, placement)
        steps = pool_for(task).steps(task)
        emit("task-created", task)
        try:
            item = await steps.start()
            while True:
                thrown: BaseException | None = None
                sent = None
                try:
                    sent = yield item
                except BaseException as error:  # noqa: BLE001 - thrown in by the consumer
                    thrown = error
                try:
                    item = await (steps.send(sent) if thrown is None else steps.throw(thrown))
                finally:
                    del thrown  # its traceback leads to this frame
        except StopAsyncIteration:
            return
        finally:
            emit("task-completed", task)

    return call
