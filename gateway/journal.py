"""Gives each observation its number and its time, and commits it to the node's spool."""

import gzip
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from gateway.feed import TYPES, Event, FeedError, Reading, encode, from_ns
from gateway.runner import AssetReading
from gateway.spool import EVENTS, READINGS, Committer, Segment, Spool
from sensors.sample import Value

if TYPE_CHECKING:
    from gateway.timeline import Offset, Timeline  # it reads segments, so it knows this file

log = logging.getLogger(__name__)

UNDATED = "1970-01-01T00:00:00.000Z"  # stands in for a time not known yet; never leaves the node
DOUBT = "ts:clock"  # in `qr`: the field in doubt is the time itself
_LEVEL = 1  # gzip: the node has one small segment at a time, more effort gains nothing


@dataclass(slots=True)
class Entry:
    """One message on its way into the spool; seq and ts are filled in at the commit."""

    path: str
    body: Reading | Event
    mono_ns: int
    stale_after_s: float


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
        self.committer: Committer[Entry] = Committer(self._commit, linger_s=linger_s, full=500)

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
        if seen.reasons:
            body["qr"] = " ".join(f"{field}:{reason}" for field, reason in sorted(seen.reasons.items()))
        try:
            checked = msgspec.convert(body, kind)
        except msgspec.ValidationError as error:
            raise FeedError(f"{reading.asset.id}: {error}") from None
        path = f"{kind.domain}/{reading.asset.id}/telemetry"
        self.committer.put(Entry(path, checked, reading.mono_ns, float(reading.asset.stale_after)))

    def _commit(self, entries: list[Entry]) -> None:
        events = [entry for entry in entries if isinstance(entry.body, Event)]
        readings = [entry for entry in entries if not isinstance(entry.body, Event)]
        times = [entry.mono_ns for entry in entries]
        offset = self.timeline.settle(min(times), max(times))
        seq = self.spool.last_id
        segments = []
        for lane, group in ((EVENTS, events), (READINGS, readings)):
            if group:
                segments.append(self._segment(lane, group, seq, offset))
                seq += len(group)
        self.spool.append(segments)
        self.by_type.update(
            "Alert" if isinstance(entry.body, Event) else type(entry.body).__name__ for entry in entries
        )
        self._told(entries)

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
    """Take a segment apart; the last record has seq `last_seq`."""
    lines = gzip.decompress(segment_body).split(b"\n")
    found = []
    for seq, line in enumerate(lines, last_seq - len(lines) + 1):
        path, mono_ns, stale_after_s, body = line.split(b"\t", 3)
        found.append(Record(path.decode(), seq, int(mono_ns), float(stale_after_s), body))
    return found
