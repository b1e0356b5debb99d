"""Who is there, who left and who followed whom: told for as long as a caller may ask."""

from uuid import uuid4

from wool.discovery.roster import Roster
from wool.types import WorkerMetadata


def test_a_roster_forgets_what_became_of_workers_that_left_long_ago() -> None:
    roster, before = Roster(), None
    uids = [uuid4() for _ in range(1_000)]
    for uid in uids:
        if before is not None:
            roster.drop(before, 7)
        roster.add(WorkerMetadata(uid, "address", 1, "version"), instead_of=before)
        before = uid
    first, *_, last_but_one, last = uids
    assert (roster.successor(last_but_one), roster.returncode(last_but_one)) == (last, 7)
    assert (roster.successor(first), roster.returncode(first)) == (None, None)
    assert roster.workers.keys() == {last}
