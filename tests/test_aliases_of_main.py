"""What `type X = ...` makes in a program's own file, since Python 3.12."""

import sys

import pytest

from tests.echoed import prints, ran

pytestmark = [
    pytest.mark.both_loops,
    pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is of Python 3.12"),
]


def test_an_alias_travels_in_annotations_and_as_a_value() -> None:
    assert (
        prints("""
    import dataclasses
    type Row = dict[str, int]
    type Tree[T] = list[T] | T
    @dataclasses.dataclass
    class Holder: row: Row
    KNOWN = [Row]
    @wool.routine
    async def annotated(x: Row) -> Row:
        return x, annotated.__annotations__["x"] is Row, KNOWN[0] is Row
    async def main():
        async with wool.WorkerPool(size=1):
            print(await annotated({"a": 1}), await echo(Holder({"a": 1})))
            row, tree = await forwarded(Row), await forwarded(Tree[int])
            print(row, row.__value__, tree, tree.__origin__.__type_params__)
    """)
        == "({'a': 1}, True, True) Holder(row={'a': 1})\nRow dict[str, int] Tree[int] (T,)\n"
    )


def test_an_alias_of_itself_is_an_error_with_the_cure() -> None:
    ended = ran("""
    type Json = dict[str, Json] | int
    @wool.routine
    async def annotated(x: Json) -> int: return 1
    async def main():
        async with wool.WorkerPool(size=1):
            try: await annotated(1)
            except wool.SerializationError as error: print(error)
    """)
    assert "the global 'Json'" in ended.out
    assert "define it in a module that workers can import" in ended.out
