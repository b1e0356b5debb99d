"""Server-sent events from an async generator, remote ones above all, for any ASGI application."""

__all__ = ["EventStream", "ServerSentEvent"]

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

from wool.support.checks import optional, positive_seconds
from wool.support.waiting import settle
from wool_integrations.event import Encode, ServerSentEvent, encode_event, encode_json
from wool_integrations.shutdown import ending

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_PING = b": ping\n\n"
_FAREWELL_TIMEOUT = 1.0


class EventStream:
    """A response that sends what `generator` yields, one event per item, and closes it for certain.

    The first item is taken before the status is sent. So an exception raised until then reaches the
    application's handlers, and a generator that yields nothing answers 204, which tells a browser
    to stop asking: at the end of any other stream it connects again, with the last event's id. The
    next item is taken when the last was sent. A HEAD request gets the headers and takes no item.

    Whichever way it ends, the generator's `aclose()` has returned before this response does: at its
    end, when it or `encode` raises (raised again), when the client leaves or takes nothing for too
    long, when the server cancels the request (CancelledError, once the generator is closed) or
    stops (see `wool_integrations.shutdown`). A step that still runs then is cancelled first. All
    steps run in one task, in a copy of the context in which this was constructed, so that a pool
    active there is active in them.

    Args:
        generator: Whose items are sent: a `str` is an event's data, a `ServerSentEvent` an event
            with all its fields, and anything else is given to `encode`.
        event: The name of events that have none of their own.
        encode: Returns a `str` or a `ServerSentEvent` for an item; by default it makes JSON.
        ping: After how many seconds without an item a comment goes out, to keep proxies from
            closing the connection; None: never.
        send_timeout: How many seconds the client may take nothing; then TimeoutError is raised.
        retry: After how many seconds browsers come back when they lose the stream.

    Raises:
        TypeError: If an argument can't be used, or an item can't be encoded.
        ValueError: The same.
    """

    encode_default: Encode = staticmethod(encode_json)

    def __init__(
        self,
        generator: AsyncGenerator[Any, Any],
        *,
        event: str | None = None,
        encode: Encode | None = None,
        ping: float | None = 15.0,
        send_timeout: float | None = 30.0,
        retry: float | None = None,
    ) -> None:
        if not hasattr(generator, "aclose"):
            raise TypeError(
                f"{generator!r} is no async generator: call a function that yields to get one, "
                f"as in EventStream(function())"
            )
        for name, seconds in (("ping", ping), ("send_timeout", send_timeout)):
            optional(positive_seconds, name, seconds)
        self.status_code = 200
        self.raw_headers = list(_HEADERS)
        self._generator = generator
        self._event = ServerSentEvent(event=event).event
        self._preface = b"" if retry is None else encode_event(ServerSentEvent(retry=retry))
        self._encode = encode or self.encode_default
        self._ping = ping
        self._send_timeout = send_timeout
        self._context = contextvars.copy_context()
        self._closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = _Client(send, self._send_timeout)
        stop = ending() or asyncio.Event()
        try:
            if scope.get("method") == "HEAD" or stop.is_set():
                await self._generator.aclose()
            else:
                await self._run(client, receive, stop)
            if stop.is_set():
                client.timeout = _FAREWELL_TIMEOUT
            await self._finish(client, stopping=stop.is_set())
        except _ClientLeft:
            pass

    async def _finish(self, client: "_Client", *, stopping: bool) -> None:
        try:
            await client.start(self.status_code, self.raw_headers)
            await client.send_body(b"", more_body=False)
        except TimeoutError:
            if not stopping:  # when the server stops, a client that takes nothing is no error
                raise

    async def _run(self, client: "_Client", receive: Receive, stop: asyncio.Event) -> None:
        """Stream until the generator, the client or `stop` ends it; raise whatever went wrong."""
        stream = asyncio.create_task(self._stream(client), context=self._context)
        others: list[Coroutine[Any, Any, object]] = [_until_left(receive), stop.wait()]
        if self._ping is not None:
            others.append(client.keep_alive(self._ping))
        tasks = [stream, *map(asyncio.create_task, others)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                if task is not stream or not self._closing:
                    task.cancel()
            await settle(tasks)
        for task in tasks:
            if task in done or not task.cancelled():
                task.result()
        if not (client.started.is_set() or stop.is_set()):
            self.status_code = 204

    async def _stream(self, client: "_Client") -> None:
        """Send every item; close the generator, undisturbed, at the end."""
        me = asyncio.current_task()
        try:
            async for item in self._generator:
                if me is not None and me.cancelling():  # the generator suppressed the cancellation
                    break
                body = encode_event(item, encode=self._encode, event=self._event)
                await client.start(self.status_code, self.raw_headers)
                await client.send_body(self._preface + body)
                self._preface = b""
                # Steps and sends may all end without waiting; other tasks have to run.
                await asyncio.sleep(0)
        finally:
            self._closing = True
            await self._generator.aclose()


class _ClientLeft(Exception):
    """There is nobody to send to any more."""


class _Client:
    """The sending half of one request: one message at a time, each within the timeout."""

    def __init__(self, send: Send, timeout: float | None) -> None:
        self.timeout = timeout
        self.started = asyncio.Event()
        self._send_message = send
        self._turn = asyncio.Lock()
        self._sent_at = 0.0

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Send the status, once."""
        if not self.started.is_set():
            await self._send({"type": "http.response.start", "status": status, "headers": headers})
            self.started.set()

    async def send_body(self, body: bytes, *, more_body: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more_body})

    async def keep_alive(self, interval: float) -> None:
        """Send a comment whenever nothing was sent for `interval` seconds, for ever."""
        loop = asyncio.get_running_loop()
        await self.started.wait()
        while True:
            idle = loop.time() - self._sent_at
            if idle < interval:
                await asyncio.sleep(interval - idle)
            else:
                await self.send_body(_PING)

    async def _send(self, message: Message) -> None:
        async with self._turn:
            limit = asyncio.timeout(self.timeout)
            try:
                async with limit:
                    await self._send_message(message)
            except OSError as error:  # of which TimeoutError is one
                if limit.expired():
                    raise TimeoutError(f"the client took nothing for {self.timeout} s") from None
                raise _ClientLeft from error
            self._sent_at = asyncio.get_running_loop().time()


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise _ClientLeft
