"""A damaged spool must neither stop a daemon nor be thrown away: it is set aside, and what is whole goes on.

The rows are read page by page and believed only with their checksum. What is done about the numbers that may
be lost says `docs/decisions/009-a-damaged-spool.md`.
"""

import logging
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from gateway.spool.errors import SpoolError
from gateway.spool.file import COMPANIONS, IN_USE, beside, make_tables, put_in_place, sync_folder
from gateway.spool.pages import Pages, sizes
from gateway.spool.ranges import RangeSet
from gateway.spool.rows import INSERT, Row, sealed, tables_of
from gateway.spool.segment import Gap, Span, Stream, parse_span

log = logging.getLogger(__name__)

DAMAGE = "damage"
"""Reason of a gap: the spool that held these readings was damaged before it could pass them on."""

JUMP = 1_000_000
"""Numbers left out after damage. A log that was lost holds at most 4 MB, and that fewer than 300,000
readings, so no number given before is given again."""

MARK = "-damaged"  # a file of this name says that the running process met damage
_UNFINISHED, _FINISHED = ".salvaging", ".salvaged"


@dataclass(slots=True)
class _Found:
    """What the pages gave, but for the segments, which go straight to the new file."""

    seen: Span = field(default_factory=dict)
    released: Span = field(default_factory=dict)
    times: dict[Stream, tuple[int, int]] = field(default_factory=dict)
    progress: dict[str, RangeSet] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    explained: Span = field(default_factory=dict)
    rows: set[tuple[str, Row]] = field(default_factory=set)
    last_id: int = 0


@dataclass(slots=True)
class _Kept:
    """What the new file holds."""

    segments: int = 0
    points: int = 0
    ids: RangeSet = field(default_factory=RangeSet)
    span: Span = field(default_factory=dict)


def mark(path: Path, why: str) -> None:
    """Leave word for the next start that the file is damaged."""
    beside(path, MARK).write_text(why)


def marked(path: Path) -> str | None:
    """Return what a process said that met damage in this file, None when none did."""
    try:
        return beside(path, MARK).read_text(errors="replace") or "damaged"
    except FileNotFoundError:
        return None


def finish(path: Path) -> None:
    """Do what a salvage had left to do when the power went."""
    beside(path, _UNFINISHED).unlink(missing_ok=True)
    if beside(path, _FINISHED).exists():
        _swap(path)


def salvage(path: Path, why: str, *, by_seq: bool) -> None:
    """Put a new file with all that can be read in the place of a damaged one, which is kept beside it.

    Raises SpoolError when there is no room for it.
    """
    log.error("%s is damaged: %s; saving what can be read", path, why)
    try:
        new = beside(path, _UNFINISHED)
        new.unlink(missing_ok=True)
        with closing(sqlite3.connect(new, isolation_level=None)) as db:
            text = _copy(path, db, by_seq=by_seq)
        put_in_place(new, beside(path, _FINISHED))
        aside = _swap(path)
    except (OSError, sqlite3.Error) as error:
        raise SpoolError(f"{path}: damaged ({why}), and cannot be salvaged: {error}") from error
    log.error("%s: %s; the damaged file is kept as %s", path, text, aside or "nothing: it was gone")


def _swap(path: Path) -> Path | None:
    """Set the old files aside, the one that gives the number last, and put the new one in their place."""
    numbers = [each.name.rpartition("-")[2] for each in path.parent.glob(f"{path.name}.damaged-*")]
    aside = beside(path, f".damaged-{max([int(n) for n in numbers if n.isdigit()], default=0) + 1}")
    for companion in reversed(COMPANIONS):
        old = beside(path, companion)
        if old.exists():
            old.rename(beside(aside, companion))
    kept = path.exists()
    if kept:
        path.rename(aside)
    sync_folder(path.parent)
    beside(path, _FINISHED).rename(path)
    for word in (MARK, IN_USE):
        beside(path, word).unlink(missing_ok=True)
    sync_folder(path.parent)
    return aside if kept else None


def _copy(path: Path, db: sqlite3.Connection, *, by_seq: bool) -> str:
    """Fill the new file; return what became of the readings, for the log."""
    make_tables(db)
    db.execute("BEGIN")
    found = _Found()
    for size in sizes(path):
        with Pages(path, size) as pages:
            for number, record in pages.rows():
                for table, row in tables_of(number, record):
                    _take(db, found, table, row)
    _drop_confirmed(db, found)
    kept = _kept(db, by_seq=by_seq)
    found.last_id = max(
        [found.last_id, kept.ids.last or 0, *(each.last or 0 for each in found.progress.values())]
    )
    lost = _number(found, kept) if by_seq else _unsee(found, kept)
    _write_rest(db, found, kept, found.last_id + JUMP if found.last_id else 0)
    db.execute("COMMIT")
    return f"saved {kept.segments} segments with {kept.points} readings and events; {lost}"


def _take(db: sqlite3.Connection, found: _Found, table: str, row: Row) -> None:
    if table == "segment":
        db.execute("INSERT OR REPLACE" + INSERT[table].removeprefix("INSERT"), row)
    elif table == "stream":
        for spans, text in ((found.seen, row[2]), (found.released, row[3])):
            spans.setdefault((row[0], row[1]), RangeSet()).update(RangeSet.parse(text))
        if row[4] is not None:
            low, high = found.times.get((row[0], row[1]), (row[4], row[5]))
            found.times[row[0], row[1]] = (min(low, row[4]), max(high, row[5]))
    elif table == "progress":
        found.progress[row[0]] = RangeSet.parse(row[1])
    elif table == "note":
        if row[0] == "last_id":
            found.last_id = max(found.last_id, int(row[1]))
        found.notes[row[0]] = row[1]
    elif (table, row) not in found.rows:
        found.rows.add((table, row))
        db.execute(INSERT[table], row)
        gone = (
            {(row[0], row[1]): Gap((row[0], row[1]), row[2], row[3], "").numbers}
            if table == "gap"
            else parse_span(row[4])
        )
        _add(found.explained, gone)


def _add(to: Span, more: Span) -> None:
    for stream, ranges in more.items():
        to.setdefault(stream, RangeSet()).update(ranges)


def _drop_confirmed(db: sqlite3.Connection, found: _Found) -> None:
    """Drop segments that had left, or might have: a page that was freed still shows them."""
    confirmed = list(found.progress.values())
    gone = []
    for number, text in db.execute("SELECT id, span FROM segment") if confirmed else ():
        if all(number in each for each in confirmed):
            gone.append((number,))
            _add(found.released, parse_span(text))
    db.executemany("DELETE FROM segment WHERE id = ?", gone)


def _kept(db: sqlite3.Connection, *, by_seq: bool) -> _Kept:
    """Look over the segments, largest first; one that is wholly in others was joined into them."""
    kept = _Kept()
    twice = []
    for number, points, text in db.execute("SELECT id, points, span FROM segment ORDER BY points DESC, id"):
        span = parse_span(text)
        if span and all(
            not list(kept.span.get(stream, RangeSet()).missing(first, last))
            for stream, ranges in span.items()
            for first, last in ranges
        ):
            twice.append((number,))
            continue
        _add(kept.span, span)
        kept.segments += 1
        kept.points += points
        kept.ids.add(number, number)
        for ranges in span.values() if by_seq else ():
            kept.ids.update(ranges)
    db.executemany("DELETE FROM segment WHERE id = ?", twice)
    return kept


def _number(found: _Found, kept: _Kept) -> str:
    """A node: whatever is neither here nor confirmed is a gap, and numbers go on far beyond."""
    if "ep" not in found.notes and kept.span:
        found.notes["ep"] = max(kept.span.items(), key=lambda each: each[1].last or 0)[0][1]
    if not found.last_id or "ep" not in found.notes:
        found.last_id = 0
        found.progress.clear()
        for key in ("ep", "untold", "telling"):
            found.notes.pop(key, None)
        return "how far its numbers had come is not known, so a new count begins"
    here = kept.ids.copy()
    for ranges in found.progress.values():
        here.update(ranges)
    for (_, ep), ranges in found.explained.items():
        here.update(ranges if ep == found.notes["ep"] else ())
    untold = RangeSet.parse(found.notes.get("untold", ""))
    untold.update(here.missing(1, found.last_id + JUMP))
    found.notes["untold"] = str(untold)
    lost = len(RangeSet(here.missing(1, found.last_id)))
    doubt = "" if found.progress else ", or had been confirmed"
    return f"{lost} up to number {found.last_id} are lost{doubt}; it goes on at {found.last_id + JUMP + 1}"


def _unsee(found: _Found, kept: _Kept) -> str:
    """An edge: it no longer claims what it lost, so that a node that still holds it sends it again."""
    count = 0
    for stream, seen in found.seen.items():
        here = found.released.get(stream, RangeSet()).copy()
        for spans in (kept.span, found.explained):
            here.update(spans.get(stream, RangeSet()))
        if seen.last is not None and here.last is not None and here.last > seen.last:
            seen.add(seen.last + 1, here.last)  # was seen since this was last written down
        lost = RangeSet((a, b) for first, last in seen for a, b in here.missing(first, last))
        for first, last in lost:
            seen.discard(first, last)
        lost.update(RangeSet.parse(found.notes.get(_lost_key(stream), "")))
        if lost:
            found.notes[_lost_key(stream)] = str(lost)
            count += len(lost)
    found.notes["salvaged"] = "yes"
    return f"{count} readings that had been seen are lost, as far as it can tell"


def _lost_key(stream: Stream) -> str:
    return f"lost {stream[0]}/{stream[1]}"


def lost_of(notes: Iterable[tuple[str, str]]) -> Span:
    """Return what `salvage` found lost on an edge, from the spool's notes."""
    found: Span = {}
    for key, text in notes:
        gw, slash, ep = key.removeprefix("lost ").partition("/")
        if key.startswith("lost ") and slash:
            found[gw, ep] = RangeSet.parse(text)
    return found


def _write_rest(db: sqlite3.Connection, found: _Found, kept: _Kept, last_id: int) -> None:
    """Write the small tables; what is not here any more counts as confirmed: nobody can send it."""
    found.notes["last_id"] = str(last_id)
    gone = RangeSet(kept.ids.missing(0, last_id))
    for ranges in found.progress.values():
        ranges.update(gone)
    db.executemany(INSERT["note"], [sealed("note", *note) for note in found.notes.items()])
    db.executemany(
        INSERT["progress"], [sealed("progress", name, str(each)) for name, each in found.progress.items()]
    )
    db.executemany(
        INSERT["stream"],
        [
            sealed(
                "stream",
                *stream,
                str(seen),
                str(found.released.get(stream, "")),
                *found.times.get(stream, (None, None)),
            )
            for stream, seen in found.seen.items()
        ],
    )
