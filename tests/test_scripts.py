"""Programs run verbatim: from a file without a guard, from standard input, with -c."""

import os
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loops import chosen, on_chosen_loop
from tests.scripts import Ended, run

EXAMPLE = """
import asyncio, wool

@wool.routine
async def fib(n: int) -> int:
    if n <= 1:
        return n
    async with asyncio.TaskGroup() as tg:
        a = tg.create_task(fib(n - 1))
        b = tg.create_task(fib(n - 2))
    return a.result() + b.result()

@wool.routine
async def search(chars: str):
    chars = sorted(chars); lo, hi = 0, len(chars) - 1
    while lo <= hi:
        mid = (lo + hi) // 2
        hint = yield chars[mid]
        if hint == "higher": lo = mid + 1
        elif hint == "lower": hi = mid - 1
        else: return

async def main():
    async with wool.WorkerPool(size=2):
        print(await fib(8))
        stream = search("abcdefghijklmnopqrstuvwxyz")
        guess = await anext(stream)
        while guess != "z":
            guess = await stream.asend("higher" if guess < "z" else "lower")
        await stream.aclose()
        print(guess)

asyncio.run(main())
"""

SHAPES = """
import asyncio, dataclasses, enum, functools, wool

class Colour(enum.Enum):
    RED = 1

@dataclasses.dataclass
class Point:
    x: int
    colour: Colour = Colour.RED
    def moved(self): return Point(self.x + STEP, self.colour)

class Odd(Exception):
    def __init__(self, point, *, code):
        super().__init__("odd"); self.point = point; self.code = code

class Base:
    @wool.routine
    async def where(self): return type(self), await helper(Point(0))

class Child(Base): pass

STEP = 5
hits = []

@wool.routine
async def helper(point): return point.moved()

@wool.routine
async def move(point):
    hits.append(point)
    if point.x < 0: raise Odd(point, code=7)
    return point.moved(), Point, point.colour is Colour.RED, len(hits), helper

async def main():
    global STEP
    async with wool.WorkerPool(size=1):
        moved, cls, same, count, again = await move(Point(1))
        assert type(moved) is Point and moved == Point(6), moved
        assert cls is Point and same and count == 1
        assert moved.colour is Colour.RED
        assert await again(Point(2)) == Point(7)
        assert (await move(Point(1)))[3] == 2, "the globals of a routine last"
        try: await move(Point(-1))
        except Odd as error: assert (error.point, error.code) == (Point(-1), 7)
        assert await Child().where() == (Child, Point(5))
        STEP = 50
        assert await helper(Point(0)) == Point(50), "globals are those of the moment of the call"
    assert hits == []
    print("well")

asyncio.run(main())
"""

PLAIN = """
import asyncio, wool
@wool.routine
async def double(n): return 2 * n
async def main():
    async with wool.WorkerPool(size=1): print(await double(21))
"""
RUN = PLAIN + "asyncio.run(main())\n"


def _from_file(text: str, place: Path) -> Ended:
    (place / "program.py").write_text(on_chosen_loop(text))
    return run([str(place / "program.py")])


def _from_standard_input(text: str, place: Path) -> Ended:
    return run(["-"], text=text, directory=place)


def _from_the_command_line(text: str, place: Path) -> Ended:
    return run(["-c", text], directory=place)


def _from_a_module(text: str, place: Path) -> Ended:
    (place / "program.py").write_text(on_chosen_loop(text))
    return run(["-m", "program"], directory=place)


@pytest.mark.parametrize(
    "how", [_from_file, _from_standard_input, _from_the_command_line, _from_a_module]
)
@pytest.mark.parametrize(
    ("text", "out"), [(EXAMPLE, "21\nz\n"), (SHAPES, "well\n")], ids=["example", "shapes"]
)
def test_a_program_runs_verbatim(
    how: Callable[[str, Path], Ended], text: str, out: str, tmp_path: Path
) -> None:
    assert how(text, tmp_path) == Ended(0, out, "")


def test_a_result_leaves_the_classes_of_the_program_as_they_are() -> None:
    text = """
    import asyncio, wool
    STEP = 1
    class Point:
        made = 0
        def step(self): return STEP
    @wool.routine
    async def point():
        await asyncio.sleep(0.1)
        return Point()
    async def main():
        global STEP
        step = Point.step
        async with wool.WorkerPool(size=1):
            call = asyncio.create_task(point())
            await asyncio.sleep(0.05)
            Point.made, STEP = 5, 2
            there = await call
        assert type(there) is Point
        assert Point.step is step, "the method was replaced"
        assert Point.made == 5, "the attribute was reset"
        assert there.step() == 2, "the method sees the worker's globals"
    asyncio.run(main())
    """
    assert run(["-c", textwrap.dedent(text)]) == Ended(0, "", "")


@pytest.mark.parametrize("name", ["with spaces", "ümläut-東京", "-dash", "per%cent", "quote'd"])
def test_the_directory_may_have_any_name(name: str, tmp_path: Path) -> None:
    place = tmp_path / name
    place.mkdir()
    (place / "program.py").write_text(on_chosen_loop(RUN))
    assert run(["program.py"], directory=place) == Ended(0, "42\n", "")


def test_the_directory_may_have_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    place = tmp_path / os.fsdecode(b"\xff")
    place.mkdir()
    assert run(["-c", RUN], directory=place).out == "42\n"


@pytest.mark.parametrize("name", ["x" * 90, "ümläut", "with spaces"])
def test_the_directory_for_temporary_files_may_have_any_name(name: str, tmp_path: Path) -> None:
    place = tmp_path / name
    place.mkdir()
    assert run(["-c", RUN], TMPDIR=str(place)) == Ended(0, "42\n", "")
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("shell", ["2>&-", "<&-", ">&-", "<&- >&- 2>&-", "<&- 2>&-"])
def test_standard_streams_may_be_closed(shell: str, tmp_path: Path) -> None:
    if chosen() == "uvloop":
        pytest.skip("libuv ends every program whose standard streams are closed")
    there = str(tmp_path / "out")
    text = RUN.replace("print(await", f"open({there!r}, 'w').write(str(await")
    text = text.replace("(21))", "(21)))")
    assert run(["-c", text], flags=(), shell=shell).code == 0
    assert (tmp_path / "out").read_text() == "42"


def test_workers_find_modules_on_a_path_added_at_run_time(tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "shapes_of_mine.py").write_text(PLAIN)
    text = """
    import asyncio, sys, wool
    sys.path.append("hidden")
    import shapes_of_mine
    asyncio.run(shapes_of_mine.main())
    """
    assert run(["-c", textwrap.dedent(text)], directory=tmp_path) == Ended(0, "42\n", "")


def test_a_program_runs_under_uvloop_and_so_do_its_workers() -> None:
    text = PLAIN.replace("2 * n", "type(asyncio.get_running_loop()).__module__")
    assert run(["-c", text + "import uvloop; uvloop.run(main())"], flags=()).out == "uvloop\n"


@pytest.mark.parametrize("flags", [("-O",), ("-s", "-P"), ("-X", "utf8"), ("-B", "-u")])
def test_a_program_runs_with_any_flags_of_the_interpreter(flags: tuple[str, ...]) -> None:
    assert run(["-c", RUN], flags=flags) == Ended(0, "42\n", "")


def test_what_a_routine_prints_appears() -> None:
    text = RUN.replace("return 2 * n", "print('there'); return 2 * n")
    ended = run(["-c", text])
    assert (ended.code, sorted(ended.out.split()), ended.err) == (0, ["42", "there"], "")


def test_a_routine_that_reads_standard_input_reads_nothing() -> None:
    text = RUN.replace("return 2 * n", "import sys; return sys.stdin.read()")
    assert run(["-c", text], text="for the program").out == "\n"


def test_warnings_are_errors_in_the_worker_where_they_are_in_the_program() -> None:
    text = RUN.replace("return 2 * n", "import warnings; warnings.warn('careful')")
    ended = run(["-c", text], flags=("-W", "error::UserWarning"))
    assert ended.code == 1
    assert "UserWarning: careful" in ended.err


def test_a_module_that_exits_when_it_is_imported_ends_the_call_only(tmp_path: Path) -> None:
    (tmp_path / "rude.py").write_text(
        PLAIN + "import os\nif os.environ.get('RUDE'): raise SystemExit(9)\n"
    )
    text = """
    import asyncio, os, wool, rude
    os.environ["RUDE"] = "1"
    async def main():
        async with wool.WorkerPool(size=1):
            try: await rude.double(1)
            except wool.WoolError as error: print(type(error).__name__)
    asyncio.run(main())
    """
    ended = run(["-c", textwrap.dedent(text)], directory=tmp_path)
    assert ended.code == 0
    assert ended.out.strip() not in {"", "WorkerDied"}
