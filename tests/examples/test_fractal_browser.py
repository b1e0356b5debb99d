"""The demo as its visitors meet it: a real server, real workers, a real browser."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.examples.conftest import Demo
from tools import browser as chromium

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
COLOURS_OF_TILES = """() => {
    const canvas = document.getElementById("picture"), pen = canvas.getContext("2d");
    const tiles = [];
    for (let x = 0; x + 64 <= canvas.width; x += 64)
        for (let y = 0; y + 64 <= canvas.height; y += 64)
            tiles.push(pen.getImageData(x, y, 64, 64).data.reduce((sum, c) => (sum * 31 + c) | 0));
    return tiles;
}"""
MARKED_PIXELS = """() => {
    const {width, height} = document.getElementById("marks");
    const pen = document.getElementById("marks").getContext("2d");
    const {data} = pen.getImageData(0, 0, width, height);
    return data.filter((channel, i) => i % 4 === 3 && channel > 0).length / (width * height);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    if path is None:
        pytest.skip(f"no Chromium here; {chromium.CURE}")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=FLAGS) as browser,
    ):
        yield browser


@pytest.fixture
def page(browser: Browser, demo: Demo) -> Iterator[Page]:
    """The demo's page, just opened, in a browser profile of its own."""
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    with browser.new_context(viewport={"width": 1000, "height": 640}) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", note)
        page.goto(demo.url)
        yield page
    assert errors == []


def wait_state(page: Page, state: str, *, picture: int = 1) -> None:
    page.wait_for_function(
        "([state, picture]) => document.body.dataset.state === state"
        " && document.body.dataset.picture === String(picture)",
        arg=[state, picture],
    )


def wait_tiles(page: Page, count: int) -> None:
    page.wait_for_function("count => Number(document.body.dataset.done) >= count", arg=count)


def number(page: Page, name: str) -> int:
    return int(page.evaluate("name => Number(document.body.dataset[name])", name))


def wait_idle(demo: Demo) -> None:
    """Until the server has no picture in work and its workers use no processor time."""
    deadline = time.monotonic() + 20
    before = None
    while (now := (demo.status()["streams"], processor_time(demo))) != before or now[0]:
        assert time.monotonic() < deadline, f"still at work: {now}"
        before = now
        time.sleep(0.1)


def processor_time(demo: Demo) -> int:
    """What the workers have used so far, in ticks; always 0 where there is no /proc."""
    if sys.platform != "linux":
        return 0
    stats = [Path(f"/proc/{pid}/stat").read_text() for pid in demo.status()["workers"]]
    return sum(sum(map(int, stat.rpartition(")")[2].split()[11:13])) for stat in stats)


def test_the_picture_completes_and_its_tiles_differ(page: Page, demo: Demo) -> None:
    wait_state(page, "done")
    assert number(page, "done") == number(page, "total") > 50
    assert page.inner_text("#done") == page.inner_text("#total") == str(number(page, "total"))
    colours = page.evaluate(COLOURS_OF_TILES)
    assert len(set(colours)) > len(colours) / 2, "the set itself is one colour"


def test_every_worker_has_its_share_and_can_be_marked(page: Page, demo: Demo) -> None:
    wait_state(page, "done")
    rows = page.locator("#workers div").all_inner_texts()
    shares = {int(row.split()[1]): int(row.split()[2]) for row in rows}
    assert set(shares) == set(demo.status()["workers"])
    assert min(shares.values()) > 0
    assert sum(shares.values()) == number(page, "total")
    page.click("#mark")
    assert page.evaluate(MARKED_PIXELS) == 1


def test_a_second_zoom_cancels_the_first(page: Page, demo: Demo) -> None:
    wait_state(page, "done")
    wait_idle(demo)
    before = demo.status()["tiles"]
    page.click("text=Seahorses")
    wait_tiles(page, 3)
    page.click("#marks", position={"x": 200, "y": 200})
    page.click("#home")  # its picture takes the least work
    wait_state(page, "done", picture=4)
    wait_idle(demo)  # the page knows of a stream's end a moment before the server does
    assert demo.status()["streams"] == 0
    assert demo.status()["tiles"] - before < 2 * number(page, "total")


def test_shift_click_goes_back_to_where_a_click_came_from(page: Page) -> None:
    wait_state(page, "done")
    middle = page.evaluate("[marks.canvas.clientWidth / 2, marks.canvas.clientHeight / 2]")
    page.click("#marks", position={"x": middle[0], "y": middle[1]})
    wait_state(page, "done", picture=2)
    assert page.inner_text("#where").startswith("3 ")
    page.click("#marks", position={"x": middle[0], "y": middle[1]}, modifiers=["Shift"])
    wait_state(page, "done", picture=3)
    assert page.inner_text("#where").startswith("1 ")


def test_the_cancel_button_stops_the_work(page: Page, demo: Demo) -> None:
    page.click("text=Seahorses")
    wait_tiles(page, 3)
    page.click("#cancel")
    wait_state(page, "cancelled", picture=2)
    wait_idle(demo)
    assert 0 < number(page, "done") < number(page, "total")
    assert page.is_disabled("#cancel")
    page.click("#home")
    wait_state(page, "done", picture=3)


def test_leaving_the_page_stops_the_work(page: Page, demo: Demo) -> None:
    page.click("text=Seahorses")
    wait_tiles(page, 3)
    total = number(page, "total")
    before = demo.status()["tiles"]
    page.goto("about:blank")
    wait_idle(demo)
    assert demo.status()["tiles"] - before < total - 3


def test_the_server_answers_others_while_it_renders(page: Page) -> None:
    page.click("text=Seahorses")
    wait_tiles(page, 3)
    page.wait_for_function("Number(document.getElementById('rate').textContent) > 0")
    page.wait_for_function("pings.filter((ping) => ping.rendering).length > 10")
    assert float(page.inner_text("#median")) > 0
