"""A full disk at the start, or in the middle of what a start has to finish, keeps no daemon down."""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.custody import confirmed
from gateway.feed import Custody, Event, encode
from gateway.feed.link import Message
from gateway.journal import Entry, Journal
from gateway.shown import Identity
from gateway.spool import JUMP, Outbox, Spool, reclaim
from gateway.spool.file import IN_USE, beside
from gateway.spool.quota import Fullness, Limits, Quota
from gateway.timeline import Offset

WE = Identity("42", "18562", "gw-01", "aa")


def full_error() -> sqlite3.OperationalError:
    """Make SQLite say that there is no room, so that the error is its own."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("PRAGMA max_page_count = 1")
        with pytest.raises(sqlite3.OperationalError) as told:
            db.execute("CREATE TABLE t (x)")
    return told.value


def no_space(*_: object, **__: object) -> None:
    raise full_error()


def killed(path: Path, *, by_seq: bool) -> None:
    """Leave a spool behind as a process does that was killed."""
    spool = Spool(path, by_seq=by_seq)
    spool.set_notes({"ep": "aa"})
    files = {each: each.read_bytes() for each in path.parent.iterdir() if not each.name.endswith("-shm")}
    spool.close()
    for each, data in files.items():
        each.write_bytes(data)


@pytest.mark.parametrize("by_seq", [True, False], ids=["node", "edge"])
def test_a_spool_opens_on_a_full_disk_and_takes_what_comes_once_there_is_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, by_seq: bool
) -> None:
    path = tmp_path / "spool.db"
    killed(path, by_seq=by_seq)
    with monkeypatch.context() as full:
        full.setattr(Spool, "set_notes", no_space)
        spool = Spool(path, by_seq=by_seq)
    assert spool.note("ep") == "aa"
    assert beside(path, IN_USE).exists()
    spool.set_notes({"later": "yes"})
    spool.close()


def test_a_spool_opens_where_not_even_a_name_finds_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "spool.db"
    Spool(path).close()
    with monkeypatch.context() as full:
        full.setattr(Path, "touch", refuse)
        spool = Spool(path)
    spool.set_notes({"later": "yes"})
    spool.close()


def test_a_quota_whose_first_look_meets_a_full_disk_says_so(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    answers: list[Any] = [full_error(), 1 << 40]

    def free_on(_: Path) -> int:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return int(answer)

    quota = Quota(spool, Limits(1_000_000, 0), free_on=free_on)
    assert quota.state is Fullness.DISK
    assert quota.look() is Fullness.ROOM
    spool.close()


def said(number: int) -> Message:
    """What an edge says of our numbers."""
    payload = encode(Custody(v=1, gw="gw-01", ep="aa", seq=number))
    return Message(
        SimpleNamespace(),  # type: ignore[arg-type]
        1,
        "ntm/v1/42/18562/gateway/gw-01/custody",
        payload,
        1,
        retain=True,
    )


def test_an_old_copy_whose_new_numbers_found_no_room_gives_up_no_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The count had gone on, the readings had not yet: the custody that came next let them all go."""
    spool = Spool(tmp_path / "spool.db", by_seq=True, keep_s=0)
    spool.set_notes({"ep": "aa"})
    timeline: Any = SimpleNamespace(settle=lambda _first, _last: Offset(1_790_000_000_000_000_000))
    journal = Journal(spool, "gw-01", timeline, "boot")
    for n in range(10):
        body = Event(v=1, id=f"e{n}", type="fire", ts="", gw="gw-01", ep="aa", seq=0)
        journal._commit([Entry("waste/bin-1/event", body, n * 1_000_000_000, 180.0)])
    outbox = Outbox(spool, "custody")
    with monkeypatch.context() as full:
        full.setattr(Spool, "append", no_space)
        assert confirmed(said(50), WE, spool) is None
        assert confirmed(said(50), WE, spool) is None
    for _ in range(2):
        number = confirmed(said(50), WE, spool)
        assert number == 50
        outbox.confirm_through(number)
    reclaim(spool, [outbox])
    rows = spool.query("SELECT id FROM segment")
    assert len(rows) == 10
    assert min(number for (number,) in rows) > 50 + JUMP
    spool.close()
