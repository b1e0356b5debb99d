import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest
import uvicorn

from tests.integrations.clients import Diary, RawClient
from tests.loops import chosen


class Serve(Protocol):
    def __call__(
        self, app: Any, *, lifespan: Literal["on", "off"] = "off"
    ) -> Callable[[str], RawClient]: ...


@contextmanager
def _served(app: Any, lifespan: Literal["on", "off"]) -> Generator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, ws="none", loop=chosen(), lifespan=lifespan)
        )
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive(), "the server waits for a response that nobody ends"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve an application on a real socket; return what sends `METHOD path` from a new client."""
    with ExitStack() as stack:

        def start(
            app: Any, *, lifespan: Literal["on", "off"] = "off"
        ) -> Callable[[str], RawClient]:
            port = stack.enter_context(_served(app, lifespan))
            return lambda request: stack.enter_context(RawClient(port, request))

        yield start


@pytest.fixture
def diary(tmp_path: Path) -> Iterator[Diary]:
    with Diary(tmp_path / "diary") as diary:
        yield diary
