"""On a link a routine is told of once, and goes by its number then."""

import pytest

from wool.exceptions import ProtocolError
from wool.protocol import wire_pb2 as wire
from wool.protocol.routines import ByValue, Described, KnownRoutines, Routine, SentRoutines

pytestmark = pytest.mark.anyio

BY_NAME = ("tests.routines", "double")
BY_VALUE = ByValue(("__main__", "kept"), b"data", is_kept=True)


def _sent(routines: SentRoutines, routine: Routine, opened: wire.Open | None = None) -> wire.Open:
    opened = wire.Open() if opened is None else opened
    key = routines.describe(routine, opened)
    if key is not None:
        routines.sent(key, opened)
    return wire.Open.FromString(opened.SerializeToString())


def _told(described: Described) -> tuple[str, str, bool]:
    return described.module, described.qualname, described.is_by_value


@pytest.mark.parametrize("routine", [BY_NAME, BY_VALUE], ids=["by name", "by value"])
def test_the_second_frame_has_a_number_alone(routine: Routine) -> None:
    here, there = SentRoutines(), KnownRoutines()
    first, second = _sent(here, routine), _sent(here, routine)
    assert len(second.SerializeToString()) == 2
    told = there.find(first)
    assert there.find(second) is told


def test_what_is_not_kept_is_told_of_each_time() -> None:
    here, there = SentRoutines(), KnownRoutines()
    routine = ByValue(("__main__", "f"), b"data", is_kept=False)
    for _ in range(2):
        opened = _sent(here, routine)
        assert opened.function == b"data"
        assert _told(there.find(opened)) == ("__main__", "f", True)


def test_each_link_is_told_for_itself_also_of_a_call_that_goes_to_another() -> None:
    known, other = SentRoutines(), SentRoutines()
    _sent(known, BY_VALUE)
    opened = wire.Open()
    assert not _sent(known, BY_VALUE, opened).function
    assert _sent(other, BY_VALUE, opened).function == b"data"
    assert not _sent(known, BY_VALUE, opened).function


def test_a_frame_that_was_not_sent_told_nothing() -> None:
    here = SentRoutines()
    here.describe(BY_NAME, wire.Open())
    assert _sent(here, BY_NAME).qualname == "double"


def test_two_hundred_and_fifty_six_have_numbers_and_all_mean_the_same_at_both_ends() -> None:
    here, there = SentRoutines(), KnownRoutines()
    names = [*range(300), *range(200, 300), *range(50), 299, 0, *range(300)]
    numbers = set[int]()
    for name in names:
        opened = _sent(here, ("module", f"f{name}"))
        numbers.add(opened.routine)
        assert there.find(opened).qualname == f"f{name}"
    assert numbers == set(range(1, 257))


@pytest.mark.parametrize(
    "opened", [wire.Open(routine=1), wire.Open(), wire.Open(routine=257, qualname="f")], ids=repr
)
def test_a_number_that_means_nothing_is_refused(opened: wire.Open) -> None:
    with pytest.raises(ProtocolError):
        KnownRoutines().find(opened)
