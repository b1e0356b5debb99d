import asyncio
import os
import re
import subprocess
import sys
from array import array
from collections import Counter
from itertools import pairwise

import pytest
from fastapi.testclient import TestClient

from examples.fractal.app import create_app
from examples.fractal.compute import PASSES, View, plan, render, turns_to_escape
from tests.environment import on_a_new_machine
from tests.loops import options

VIEW = View(-0.5, 0.0, 3.0, 150, 100)


def test_every_pass_covers_every_pixel_once() -> None:
    for _, step in PASSES:
        covered = Counter(
            (column, row)
            for area in plan(VIEW)
            if area.step == step
            for column in range(area.left, area.left + area.width)
            for row in range(area.top, area.top + area.height)
        )
        assert covered == Counter(
            (column, row) for column in range(VIEW.columns) for row in range(VIEW.rows)
        )


@pytest.mark.parametrize(
    ("point", "escapes"), [(0j, False), (-1 + 0j, False), (1j, False), (1 + 0j, True), (-3j, True)]
)
def test_points_of_the_set_never_escape(point: complex, escapes: bool) -> None:
    assert (turns_to_escape(point, 500) > 0) is escapes


def test_the_number_of_turns_is_smooth() -> None:
    turns = [turns_to_escape(complex(0.5, height / 1000), 500) for height in range(1000)]
    assert max(abs(a - b) for a, b in pairwise(turns)) < 0.05


def test_a_tile_holds_a_value_for_each_dot() -> None:
    for area in plan(VIEW):
        values = array("f", asyncio.run(render.local(VIEW, area)).values)
        assert len(values) == -(-area.width // area.step) * -(-area.height // area.step)


def test_a_picture_is_streamed_tile_by_tile() -> None:
    with TestClient(create_app(workers=2), backend_options=options()) as client:
        text = client.get("/tiles?x=-0.5&y=0&span=3&columns=150&rows=100").text
        status = client.get("/status").json()
    names = re.findall("^event: (.*)$", text, re.MULTILINE)
    assert names == ["start", *["tile"] * len(plan(VIEW)), "end"]
    assert status["tiles"] == len(plan(VIEW))
    assert status["streams"] == 0
    assert set(map(int, re.findall(r'"pid":(\d+)', text))) == set(status["workers"])


@pytest.mark.parametrize(
    "query",
    ["x=nan&y=0&span=3", "x=0&y=9&span=3", "x=0&y=0&span=0", "x=0&y=0&span=inf", "x=0&y=0"],
)
def test_a_view_that_cannot_be_drawn_is_refused(query: str) -> None:
    with TestClient(create_app(workers=1), backend_options=options()) as client:
        assert client.get(f"/tiles?{query}&columns=64&rows=64").status_code == 422


def test_a_port_that_is_taken_is_said_in_a_line() -> None:
    command = [sys.executable, "-m", "examples.fractal", "--host", "203.0.113.1", "--port", "0"]
    run = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=on_a_new_machine(PYTHONPATH=os.pathsep.join(sys.path)),
    )
    assert run.returncode == 1
    assert run.stderr.startswith("can't listen on 203.0.113.1:0: ")
