"""The applications of README.md and docs/ are served by a real uvicorn, and asked over HTTP."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.docs.pages import (
    PAGES,
    ROOT,
    WARNINGS,
    blocks_of,
    environment_of_examples,
    files_of,
    write_files,
)
from tests.loops import chosen

Serve = Callable[..., httpx2.Client]

SERVED = {
    "README.md",
    "docs/how-to/call-from-a-plain-def-handler.md",
    "docs/how-to/limit-how-long-a-call-takes.md",
    "docs/how-to/refuse-calls.md",
    "docs/how-to/pass-a-request-id-along.md",
    "docs/how-to/run-under-uvicorn.md",
    "docs/how-to/stop-when-the-client-leaves.md",
    "docs/how-to/stream-to-a-browser.md",
    "docs/tutorial/web-application.md",
}
TESTED_BY_THEIR_PAGE = {"docs/how-to/test-an-application.md"}

_PATIENCE = 10.0  # seconds


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Gives a function that serves the application of a page and returns a client for it."""
    with ExitStack() as stack:

        def start(page: str, *options: str, servers: int = 1) -> httpx2.Client:
            write_files(ROOT / page, tmp_path)
            url = stack.enter_context(_uvicorn(tmp_path, options, servers))
            return stack.enter_context(httpx2.Client(base_url=url, timeout=_PATIENCE))

        yield start


@contextmanager
def _uvicorn(directory: Path, options: tuple[str, ...], servers: int) -> Generator[str]:
    command = ["-m", "uvicorn", "app:app", "--port=0", "--no-access-log"]
    server = subprocess.Popen(
        [sys.executable, *WARNINGS, *command, f"--loop={chosen()}", *options],
        cwd=directory,
        env=environment_of_examples(),
        stderr=subprocess.PIPE,
        text=True,
    )
    with server:
        assert server.stderr is not None
        log = ""
        try:
            while log.count("startup complete") < servers or "running on" not in log:
                line = server.stderr.readline()
                assert line, log
                log += line
            yield re.findall(r"http://[\d.:]+", log)[0]
        finally:
            server.send_signal(signal.SIGTERM)
            log += server.communicate(timeout=_PATIENCE)[1]
    assert "Traceback" not in log, log


def read_events(client: httpx2.Client, url: str, count: int) -> list[str]:
    """Read the data of the first events of a stream, then leave."""
    with client.stream("GET", url) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = (line for line in response.iter_lines() if line.startswith("data: "))
        return [next(lines).removeprefix("data: ") for _ in range(count)]


def test_every_application_is_served_here_or_tested_by_its_page() -> None:
    pages = {str(p.relative_to(ROOT)) for p in PAGES if any(e.is_app for e in files_of(p))}
    assert pages == SERVED | TESTED_BY_THEIR_PAGE


def test_the_application_of_the_readme(serve: Serve) -> None:
    client = serve("README.md")
    assert client.get("/count", params={"below": 100}).json() == 25
    stream = client.get("/primes", params={"below": 12})
    assert stream.text == "data: 2\n\ndata: 3\n\ndata: 5\n\ndata: 7\n\ndata: 11\n\n"


def test_the_application_of_the_tutorial(serve: Serve) -> None:
    client = serve("docs/tutorial/web-application.md")
    assert 'new EventSource("/primes")' in client.get("/").text
    assert client.get("/count/100").json() == {"below": 100, "primes": 25}
    assert read_events(client, "/primes?start=1000", 2) == ["1009", "1013"]
    assert client.get("/count/10").json() == {"below": 10, "primes": 4}


def test_a_server_stops_while_a_stream_is_open(serve: Serve) -> None:
    client = serve("docs/tutorial/web-application.md")
    stream = client.send(client.build_request("GET", "/primes?start=1000"), stream=True)
    assert next(stream.iter_lines()) == "data: 1009"


def test_streams_to_a_browser(serve: Serve) -> None:
    page = "docs/how-to/stream-to-a-browser.md"
    client = serve(page)
    [shown] = [block.code for block in blocks_of(ROOT / page) if not block.language]
    assert client.get("/squares").text == shown + "\n"
    assert client.get("/squares", params={"numbers": 0}).status_code == 204
    refused = client.get("/squares", params={"numbers": -1})
    assert refused.status_code == 422
    assert refused.json() == {"detail": "numbers has to be 0 or more"}
    assert client.get("/progress").text == (
        'data: {"done":0,"of":2}\nid: 0\n\ndata: {"done":1,"of":2}\nid: 1\n\n'
        "event: end\ndata: all done\n\n"
    )


def test_a_plain_def_handler(serve: Serve) -> None:
    client = serve("docs/how-to/call-from-a-plain-def-handler.md")
    assert client.get("/double/21").json() == 42


def test_a_client_that_leaves_stops_the_work(serve: Serve, tmp_path: Path) -> None:
    client = serve("docs/how-to/stop-when-the-client-leaves.md")
    assert client.get("/report/short").json() == "the report short"
    with pytest.raises(httpx2.ReadTimeout):
        client.get("/report/long", timeout=0.5)
    deadline = time.monotonic() + _PATIENCE
    while (said := (tmp_path / "long.log").read_text()) != "cancelled":
        assert time.monotonic() < deadline, said
        time.sleep(0.02)


def test_requests_too_many_are_told_to_come_again(serve: Serve) -> None:
    client = serve("docs/how-to/refuse-calls.md")
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(client.get, ["/render/2"] * 3))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503]
    [refused] = [answer for answer in answers if answer.status_code == 503]
    assert int(refused.headers["retry-after"]) >= 1


def test_a_call_that_takes_too_long_is_a_gateway_timeout(serve: Serve) -> None:
    client = serve("docs/how-to/limit-how-long-a-call-takes.md")
    assert client.get("/answer/0").json() == "done"
    late = client.get("/answer/60")
    assert late.status_code == 504
    assert late.json() == {"detail": "not done within 0.5 s"}


def test_a_request_passes_its_id_along(serve: Serve) -> None:
    client = serve("docs/how-to/pass-a-request-id-along.md")
    answer = client.get("/count/hats", headers={"X-Request-ID": "7f3a"})
    assert answer.json() == {"item": "hats", "count": 3, "request": "7f3a"}
    assert client.get("/count/hats").json()["request"] not in ("7f3a", "-")


def test_two_server_processes(serve: Serve) -> None:
    client = serve("docs/how-to/run-under-uvicorn.md", "--workers=2", servers=2)
    assert client.get("/square/7").json() == 49
