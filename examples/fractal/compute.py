"""What runs on the workers: the Mandelbrot set, in tiles, in nothing but Python."""

import asyncio
import math
import os
from array import array
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import wool

# A rough picture at once, then the fine one over it: the side of a tile and of its dots, in pixels.
PASSES = ((256, 8), (64, 1))


@dataclass(frozen=True)
class View:
    """A part of the plane, around `x` and `y` and `span` wide, and the size of its picture."""

    x: float
    y: float
    span: float
    columns: int
    rows: int

    def point(self, column: float, row: float) -> complex:
        scale = self.span / self.columns
        return complex(
            self.x + (column - self.columns / 2) * scale, self.y - (row - self.rows / 2) * scale
        )

    @property
    def patience(self) -> int:
        """After how many turns a point counts as one of the set: more, the closer one looks."""
        return 200 + int(40 * max(0.0, math.log2(4 / self.span)))


@dataclass(frozen=True)
class Area:
    """A rectangle of the picture, in pixels, drawn in dots of `step` by `step` pixels."""

    left: int
    top: int
    width: int
    height: int
    step: int


@dataclass(frozen=True)
class Tile:
    """A rendered area: one float32 per dot, row by row, and the process that computed it."""

    area: Area
    values: bytes
    pid: int


def plan(view: View) -> list[Area]:
    """The areas of a picture, each pass from the middle outwards."""
    middle = complex(view.columns, view.rows) / 2
    areas: list[Area] = []
    for size, step in PASSES:
        grid = (
            Area(left, top, min(size, view.columns - left), min(size, view.rows - top), step)
            for left in range(0, view.columns, size)
            for top in range(0, view.rows, size)
        )
        areas += sorted(
            grid, key=lambda a: abs(complex(a.left + a.width / 2, a.top + a.height / 2) - middle)
        )
    return areas


def turns_to_escape(c: complex, patience: int) -> float:
    """How long a point stays, as a smooth number; 0 for those that seem to stay for ever."""
    q = (c.real - 0.25) ** 2 + c.imag**2
    if q * (q + c.real - 0.25) <= c.imag**2 / 4 or abs(c + 1) <= 0.25:
        return 0.0
    z = c
    for turn in range(0, patience, 4):
        if abs(z) > 32:
            return turn + 2 - math.log2(math.log(abs(z)))
        z = z * z + c  # four iterations for each check, which takes most of the time
        z = z * z + c
        z = z * z + c
        z = z * z + c
    return 0.0


@wool.routine
async def render(view: View, area: Area) -> Tile:
    """Render one tile."""
    values = array("f")
    patience = view.patience
    for row in range(area.top, area.top + area.height, area.step):
        for column in range(area.left, area.left + area.width, area.step):
            values.append(turns_to_escape(view.point(column, row), patience))
        await asyncio.sleep(0)  # so that a cancellation gets through
    return Tile(area, values.tobytes(), os.getpid())


@wool.routine
async def tiles(view: View, in_flight: int) -> AsyncGenerator[Tile]:
    """Render a picture: this runs on one worker and spreads the tiles over all of them."""
    waiting = deque(plan(view))
    running: set[asyncio.Task[Tile]] = set()
    try:
        while waiting or running:
            while waiting and len(running) < in_flight:
                running.add(asyncio.create_task(render(view, waiting.popleft())))
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
