"""Who is there, who left and who followed whom: told for as long as a caller may ask."""

from dataclasses import replace
from uuid import uuid4

from wool.discovery.roster import Roster
from wool.types import Peer, WorkerMetadata


def _worker() -> WorkerMetadata:
    return WorkerMetadata(uuid4(), "address", 1, "version")


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


def test_a_worker_that_moved_is_there_as_one_that_joined() -> None:
    roster, told, worker = Roster(), list[WorkerMetadata](), _worker()
    roster.add(worker)
    roster.watch(lambda: told.append(roster.workers[worker.uid]))
    moved = replace(worker, address="elsewhere", tags=frozenset({"gpu"}))
    assert roster.update(moved)
    assert told == [moved]


def test_old_news_of_a_worker_and_news_of_a_stranger_tell_nobody_anything() -> None:
    roster, worker = Roster(), _worker()
    roster.add(worker)
    roster.watch(lambda: told.append("something"))
    told = list[str]()
    assert not roster.update(worker)
    assert not roster.update(_worker())
    assert (told, list(roster.workers)) == ([], [worker.uid])


def test_nobody_can_tell_of_a_worker_that_was_merely_found() -> None:
    roster, worker = Roster(), _worker()
    roster.add(worker)
    assert roster.unwatched == {worker.uid}
    assert not roster.will_tell_end(worker.uid)
    assert roster.mark(worker.uid, stopped=True)
    assert (set(roster.unwatched), set(roster.stopped)) == (set(), {worker.uid})
    assert roster.mark(worker.uid, stopped=None)
    assert (set(roster.unwatched), set(roster.stopped)) == ({worker.uid}, set())


def test_what_a_source_will_tell_it_tells_until_the_worker_has_left() -> None:
    roster, worker = Roster(), _worker()
    roster.add(worker, stopped=False, tells_end=True)
    assert not roster.unwatched
    assert roster.will_tell_end(worker.uid)
    roster.retire(worker.uid)
    assert roster.will_tell_end(worker.uid)
    roster.drop(worker.uid, -9)
    assert not roster.will_tell_end(worker.uid)
    assert roster.returncode(worker.uid) == -9


def test_peers_are_told_all_that_the_roster_knows() -> None:
    roster, own, found, gone, lost = Roster(), _worker(), _worker(), _worker(), _worker()
    for worker in (own, gone):
        roster.add(worker, stopped=False, tells_end=True)
    for worker in (found, lost):
        roster.add(worker)
    roster.mark(own.uid, stopped=True)
    roster.drop(gone.uid, 3)
    roster.drop(lost.uid)
    peers = roster.peers()
    own_peer = Peer(own, stopped=True, tells_end=True)
    assert list(peers.there) == [own_peer, Peer(found, stopped=None, tells_end=False)]
    assert peers.departed == {gone.uid: 3}
