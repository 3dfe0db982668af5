"""Gives each observation its number and its time, and commits it to the node's spool."""

import gzip
import logging
import secrets
import sqlite3
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from gateway.alarms import Engine, Judgement
from gateway.alarms.engine import Observed
from gateway.feed import TYPES, Event, FeedError, Reading, encode, from_ns
from gateway.runner import AssetReading
from gateway.spool import DAMAGE, EVENTS, READINGS, Committer, Gap, Segment, Spool
from sensors.sample import Value

if TYPE_CHECKING:
    from gateway.absence import Absence
    from gateway.spool.room import Room
    from gateway.timeline import Offset, Timeline  # it reads segments, so it knows this file

log = logging.getLogger(__name__)

UNDATED = "1970-01-01T00:00:00.000Z"  # stands in for a time not known yet; never leaves the node
DOUBT = "ts:clock"  # in `qr`: the field in doubt is the time itself
DISK = "disk"
"""Reason of a gap: the disk was full for so long that memory did not hold these readings either."""
_MOST_TOLD = 500  # gap events in one commit
_MOST_HELD = 10_000  # readings in memory while the disk takes none: some 10 MB
_MS = 1_000_000
_LEVEL = 1  # gzip: the node has one small segment at a time, more effort gains nothing


@dataclass(slots=True)
class Entry:
    """One message on its way into the spool; the commit fills in seq and ts, and judges its alarms once."""

    path: str
    body: Reading | Event
    mono_ns: int
    stale_after_s: float
    judged: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One message as it lies in a segment: `path` is domain/asset/channel. An undated body has no true ts."""

    path: str
    seq: int
    mono_ns: int
    stale_after_s: float
    body: bytes


class Journal:
    """The node's way into its spool. `committed` is told of each group after it is on disk."""

    def __init__(
        self,
        spool: Spool,
        gw: str,
        timeline: "Timeline",
        boot_id: str,
        *,
        linger_s: float = 0.0,
        committed: Callable[[Sequence[Entry]], None] = lambda _: None,
    ) -> None:
        self.spool = spool
        self.gw = gw
        self.timeline = timeline
        self.boot_id = boot_id
        self.ep = spool.note("ep") or self._new_ep()
        self._told = committed
        self.by_type: Counter[str] = Counter()
        self.room: Room | None = None
        self.alarms: Engine | None = None
        self.absence: Absence | None = None
        self._held: list[Entry] = []
        self._lost = 0
        self._newest_ns = 0
        self.committer: Committer[Entry] = Committer(self._commit, self._refuse, linger_s=linger_s, full=500)

    def _new_ep(self) -> str:
        ep = secrets.token_hex(3)
        self.spool.set_notes({"ep": ep})
        return ep

    @property
    def taken(self) -> int:
        """Return how many readings and events this spool has ever taken: the last seq given."""
        return self.spool.last_id

    def take(self, reading: AssetReading, extra: dict[str, Value] | None = None) -> None:
        """Accept an asset's reading; raise FeedError when it does not fit its feed type."""
        seen = reading.observation
        kind = TYPES[reading.asset.type]
        body = {
            **seen.fields,
            **(extra or {}),
            "type": reading.asset.type,
            "v": 1,
            "ts": UNDATED,
            "gw": self.gw,
            "ep": self.ep,
            "seq": 0,
            "q": seen.quality.word,
        }
        if seen.raws:
            body["raw"] = " ".join(f"{field}={raw:.9g}" for field, raw in sorted(seen.raws.items()))
        if seen.reasons:
            body["qr"] = " ".join(f"{field}:{reason}" for field, reason in sorted(seen.reasons.items()))
        try:
            checked = msgspec.convert(body, kind)
        except msgspec.ValidationError as error:
            raise FeedError(f"{reading.asset.id}: {error}") from None
        path = f"{kind.domain}/{reading.asset.id}/telemetry"
        entry = Entry(path, checked, reading.mono_ns, float(reading.asset.stale_after))
        self.committer.put(entry, more=reading.more)

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Commit what was taken, then stop; False when the disk did not take all of it."""
        stopped = self.committer.stop(timeout_s)
        if stopped and self._held:
            try:
                self._commit([])
            except (OSError, sqlite3.Error) as error:
                log.error("%d readings are lost with this process: %s", len(self._held), error)  # noqa: TRY400
        return stopped and not self._held

    def _commit(self, entries: list[Entry]) -> None:
        self._newest_ns = max([self._newest_ns, *(entry.mono_ns for entry in entries)])
        fits = self.room is None or self.room.make()
        waiting = [*self._held, *entries]
        judgement = self._judge(waiting)
        waiting += [Entry(f"{it.asset}/event", it.event, it.mono_ns, 0.0) for it in judgement.alarms]
        going = waiting if fits else [entry for entry in waiting if isinstance(entry.body, Event)]
        lost = self._lost if fits else 0
        if going:
            self._write(going, lost, judgement.notes)
            self._lost -= lost
        self._adopt(judgement, waiting, written=bool(going))
        self._held = [] if fits else [entry for entry in waiting if not isinstance(entry.body, Event)]
        self._forget_oldest()

    def _judge(self, entries: Sequence[Entry]) -> Judgement:
        """Say which alarms these readings raise and clear. What was judged before is not judged again."""
        if self.alarms is None:
            return Judgement()
        return self.alarms.judge(
            [
                Observed(entry.path.removesuffix("/telemetry"), entry.body, entry.mono_ns)
                for entry in entries
                if isinstance(entry.body, Reading) and not entry.judged
            ]
        )

    def _adopt(self, judgement: Judgement, entries: Sequence[Entry], *, written: bool) -> None:
        if self.alarms is not None:
            self.alarms.adopt(judgement, written=written)
        for entry in entries:
            entry.judged = True

    def _refuse(self, entries: list[Entry], error: Exception) -> list[Entry]:
        """Keep in memory what a full disk does not take: the next commit tries again."""
        if self.room is None or not self.room.quota.gave_out(error):
            return entries
        self._held += entries
        self._forget_oldest()
        return []

    def _forget_oldest(self) -> None:
        """Past the bound the oldest readings go. They get their numbers later, as a gap; events stay."""
        over = len(self._held) - _MOST_HELD
        if over <= 0:
            return
        kept: list[Entry] = []
        for entry in self._held:
            if over > 0 and not isinstance(entry.body, Event):
                over -= 1
                self._lost += 1
            else:
                kept.append(entry)
        self._held = kept

    def _write(self, entries: list[Entry], lost: int, notes: Mapping[str, str]) -> None:
        with self.spool.lock:
            seq = self.spool.last_id
            gaps = [Gap((self.gw, self.ep), seq + 1, seq + lost, DISK)] if lost else []
            gaps += [Gap((self.gw, self.ep), *each, DAMAGE) for each in islice(self.spool.untold, _MOST_TOLD)]
            away = self._away(min(entry.mono_ns for entry in entries))
            gaps += away
            entries = [*self._gap_entries(gaps), *entries]
            offset = self._settle(entries)
            seq += lost
            segments = []
            for lane in (EVENTS, READINGS):
                group = [entry for entry in entries if isinstance(entry.body, Event) == (lane == EVENTS)]
                if group:
                    segments.append(self._segment(lane, group, seq, offset))
                    seq += len(group)
            dated = self.absence if offset is not None else None
            self.spool.append(segments, gaps=gaps, notes={**notes, **(dated.notes() if dated else {})})
            if dated:
                dated.told(away)
        self.by_type.update(
            "Alert" if isinstance(entry.body, Event) else type(entry.body).__name__ for entry in entries
        )
        self._told(entries)

    def _away(self, first_ns: int) -> list[Gap]:
        """Return the time without readings before this start, once that can be told."""
        origin = self.timeline.origin() if self.absence else None
        if self.absence is None or origin is None:
            return []
        return self.absence.gaps((self.gw, self.ep), origin.ns + first_ns)

    def gap_segments(self, gaps: Sequence[Gap]) -> list[Segment]:
        """Return a segment of gap events with the next numbers, to be committed under the same lock."""
        entries = self._gap_entries(gaps)
        return [self._segment(EVENTS, entries, self.spool.last_id, self._settle(entries))]

    def _gap_entries(self, gaps: Sequence[Gap]) -> list[Entry]:
        """Return the events; each has a time of its own, for a point upstream is known by its time."""
        entries = []
        for gap in gaps:
            self._newest_ns += _MS
            body = Event(
                v=1, id=f"gap-{self.ep}-{gap.first}", type="gap", ts=UNDATED, gw=self.gw, ep=self.ep, seq=0,
                severity="warning", reason=gap.reason,
            )  # fmt: skip
            if gap.numbers:
                body.first, body.last = gap.first, gap.last
            if gap.after_ns is not None and gap.before_ns is not None:
                body.id = f"gap-{self.ep}-{gap.after_ns // _MS}"
                body.after, body.before = from_ns(gap.after_ns), from_ns(gap.before_ns)
            entries.append(Entry(f"gateway/{self.gw}/event", body, self._newest_ns, 0.0))
        return entries

    def _settle(self, entries: Sequence[Entry]) -> "Offset | None":
        times = [entry.mono_ns for entry in entries]
        return self.timeline.settle(min(times), max(times))

    def _segment(self, lane: int, entries: list[Entry], seq: int, offset: "Offset | None") -> Segment:
        first = seq + 1
        lines = []
        for entry in entries:
            seq += 1
            entry.body.seq = seq
            if offset is not None:
                entry.body.ts = from_ns(offset.ns + entry.mono_ns)
                if not offset.exact:
                    doubt(entry.body)
            lines.append(
                b"%s\t%d\t%g\t%s"
                % (entry.path.encode(), entry.mono_ns, entry.stale_after_s, encode(entry.body))
            )
        times = [entry.mono_ns for entry in entries]
        return Segment(
            lane=lane,
            points=len(entries),
            span=f"{self.gw}/{self.ep}:{first}-{seq}",
            body=gzip.compress(b"\n".join(lines), _LEVEL, mtime=0),
            first_ns=None if offset is None else offset.ns + min(times),
            last_ns=None if offset is None else offset.ns + max(times),
            boot=self.boot_id,
            id=seq,
        )


def doubt(body: Reading | Event) -> None:
    """Mark a reading whose time is only known within bounds; an event has no mark for that."""
    if isinstance(body, Reading):
        body.q = "bad" if body.q == "bad" else "uncertain"
        known = body.qr.split() if isinstance(body.qr, str) else []
        body.qr = " ".join([*(each for each in known if each != DOUBT), DOUBT])


def join_bodies(bodies: Sequence[bytes]) -> bytes:
    """Return one segment's body of several, whose numbers follow each other."""
    return gzip.compress(b"\n".join(gzip.decompress(body) for body in bodies), _LEVEL, mtime=0)


def records(segment_body: bytes, last_seq: int) -> list[Record]:
    """Take a segment apart; the last line has seq `last_seq`, an empty one stands for a reading given up.

    Raises ValueError when it is none.
    """
    try:
        lines = gzip.decompress(segment_body).split(b"\n")
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"it is not whole gzip ({error})") from error
    found = []
    for seq, line in enumerate(lines, last_seq - len(lines) + 1):
        if not line:
            continue
        path, mono_ns, stale_after_s, body = line.split(b"\t", 3)
        found.append(Record(path.decode(), seq, int(mono_ns), float(stale_after_s), body))
    return found
