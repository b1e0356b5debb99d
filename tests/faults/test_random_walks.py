"""Whatever happens to pools, in any order: they come back, and stay open until they are left."""

import time
from pathlib import Path

import pytest

from tests.faults.journal import Journal
from tests.faults.soak import LONG, may_take
from tests.faults.walk import Walk

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops, may_take(400)]

SECONDS = 300  # on each event loop
STEPS = 40


@pytest.mark.parametrize("seed", range(1 if LONG else 2))
async def test_a_walk_through_the_lives_of_two_pools(seed: int, tmp_path: Path) -> None:
    until = time.monotonic() + (SECONDS if LONG else 0)
    walks = steps = ended = 0
    while not walks or time.monotonic() < until:
        place = tmp_path / f"{walks}"
        place.mkdir()
        journal = Journal(place)
        walk = Walk(1000 * walks + seed, place, journal)
        try:
            await walk.run(STEPS)
        except (AssertionError, TimeoutError) as error:
            error.add_note(f"in walk {1000 * walks + seed}, after {', '.join(walk.steps)}")
            raise
        journal.assert_nothing_ran_twice()
        walks, steps, ended = walks + 1, steps + len(walk.steps), ended + walk.ended
    print(f"{walks} walks, {steps} steps, {ended} calls and streams ended")  # noqa: T201
