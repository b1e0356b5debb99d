"""Who is there, who left and who followed whom: told for as long as a caller may ask."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from wool.discovery.roster import Roster
from wool.protocol import wire_pb2 as wire
from wool.protocol.peers import peers_message, read_peers
from wool.types import WorkerMetadata


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


def _known(roster: Roster) -> dict[str, Any]:
    return {
        "workers": dict(roster.workers),
        "stopped": set(roster.stopped),
        "unwatched": set(roster.unwatched),
        "telling": {uid for uid in roster.workers if roster.will_tell_end(uid)},
    }


def test_a_roster_that_follows_another_knows_what_that_knows() -> None:
    theirs, ours, reader = Roster(), Roster(), _worker()
    own, found, retired, gone, lost = workers = [_worker() for _ in range(5)]
    for worker in (reader, own, retired, gone):
        theirs.add(worker, stopped=False, tells_end=True)
    for worker in (found, lost):
        theirs.add(worker)
    for changed in (
        lambda: None,
        lambda: theirs.mark(own.uid, stopped=True),
        lambda: theirs.update(replace(found, tags=frozenset({"gpu"}))),
        lambda: theirs.retire(retired.uid),
        lambda: theirs.drop(gone.uid, 3),
        lambda: theirs.drop(lost.uid),
    ):
        changed()
        ours.follow(theirs.peers(), here=reader.uid)
        assert _known(ours) == _known(theirs)
        assert [ours.is_retired(w.uid) for w in workers] == [
            theirs.is_retired(w.uid) for w in workers
        ]
    assert (ours.returncode(gone.uid), ours.returncode(lost.uid)) == (3, None)
    theirs.drop(retired.uid, 0)
    ours.follow(theirs.peers(), here=reader.uid)
    assert (ours.is_retired(retired.uid), ours.returncode(retired.uid)) == (False, 0)


def test_a_worker_that_reads_that_it_is_stopped_knows_better() -> None:
    theirs, ours, reader = Roster(), Roster(), _worker()
    theirs.add(reader, stopped=True)
    ours.follow(theirs.peers(), here=reader.uid)
    assert not ours.stopped


def test_peers_are_what_a_message_says_of_them() -> None:
    roster, gone, retired = Roster(), _worker(), _worker()
    full = WorkerMetadata(
        uuid4(), "unix:/\udcff", 7, "1", frozenset({"gpu"}), "here/1", {"zone": "b"}, secure=True
    )
    roster.add(full, stopped=True, tells_end=True)
    roster.add(_worker())
    for worker in (gone, retired):
        roster.add(worker, stopped=False)
    roster.drop(gone.uid, -9)
    roster.retire(retired.uid)
    peers = roster.peers()
    read = read_peers(wire.Peers.FromString(peers_message(peers).SerializeToString()))
    assert list(read.there) == list(peers.there)
    assert set(read.retired) == set(peers.retired) == {retired.uid}
    assert read.departed == peers.departed == {gone.uid: -9}
