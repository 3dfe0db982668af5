"""What a node's numbers must be: each (gw, ep, seq) one thing, none missing, custody never beyond them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from gateway.feed.bodies import Custody, Event, Reading
from gateway.feed.kit.said import Said
from gateway.feed.kit.said import marked as _
from gateway.feed.kit.single import Message, Problem

Found = tuple[str, str, str]  # topic, rule, what
_SHOWN = 5
_BROKEN = 0  # stands for a body that could not be read


@dataclass(slots=True)
class _Stream:
    """One (gw, ep): what it numbered, as far as it was seen. Numbers up to `base` may have come before us."""

    base: int = 0
    flowing: bool = False  # something else than a state was heard
    top: int = 0
    seen: dict[int, int] = field(default_factory=dict)
    told: list[tuple[int, int]] = field(default_factory=list)
    custody: int | None = None
    custody_topic: str = ""
    live_after: bool = False  # a live reading came after the last word of custody
    topic: str = ""


@dataclass(slots=True)
class _Alarm:
    """All that was said under one id of an event."""

    topic: str
    told: dict[tuple[str, str, int], Event] = field(default_factory=dict)


class Streams:
    """Remembers every number of every spool, and every event."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], _Stream] = {}
        self._alarms: dict[tuple[str, str], _Alarm] = {}

    def number(self, message: Message, body: Reading | Event) -> Iterator[Problem]:
        """Note a reading's or event's number; say so when it already was another's."""
        stream = self._of.setdefault((body.gw, body.ep), _Stream())
        digest = _digest(message)
        if message.topic.channel == "state":
            if not stream.flowing:
                stream.base = max(stream.base, body.seq)
        elif not stream.flowing:
            stream.flowing = True
            stream.base = stream.base or body.seq
        before = stream.seen.get(body.seq, _BROKEN)
        stream.seen[body.seq] = digest
        if before not in (_BROKEN, digest):
            what = _("gw {gw}, ep {ep}, seq {seq} was another reading before")
            yield "seq-content", Said(what, gw=body.gw, ep=body.ep, seq=body.seq)
        stream.topic = message.heard.topic if body.seq >= stream.top else stream.topic
        stream.top = max(stream.top, body.seq)
        if not isinstance(body, Event) and body.hist is not True and message.topic.channel == "telemetry":
            stream.live_after = True

    def broken(self, message: Message) -> None:
        """Note the number of a body that breaks the contract otherwise: it was published, after all."""
        gw, ep, seq = (message.keys.get(key) for key in ("gw", "ep", "seq"))
        if isinstance(gw, str) and isinstance(ep, str) and isinstance(seq, int) and (gw, ep) in self._of:
            self._of[gw, ep].seen.setdefault(seq, _BROKEN)

    def event(self, message: Message, body: Event) -> Iterator[Problem]:
        """Note what a gap names, and who raised and cleared what; events may come again and in any order."""
        if body.type == "gap" and isinstance(body.first, int) and isinstance(body.last, int):
            self._of[body.gw, body.ep].told.append((body.first, body.last))
        alarm = self._alarms.setdefault((body.gw, body.id), _Alarm(message.heard.topic))
        if alarm.topic != message.heard.topic:
            yield (
                "event-pair",
                Said(_("id {id} was an event of {topic}"), id=repr(body.id), topic=alarm.topic),
            )
        alarm.told.setdefault((body.gw, body.ep, body.seq), body)

    def custody(self, message: Message, body: Custody) -> Iterator[Problem]:
        """Note how far custody is."""
        stream = self._of.setdefault((body.gw, body.ep), _Stream())
        if stream.custody is not None and body.seq < stream.custody:
            yield "custody-back", Said(_("seq {seq} after {before}"), seq=body.seq, before=stream.custody)
        stream.custody = max(stream.custody or 0, body.seq)
        stream.custody_topic = message.heard.topic
        stream.live_after = False

    def finish(self) -> Iterator[Found]:
        """Say what is missing in the end, and which alarms do not pair."""
        for (gw, ep), stream in self._of.items():
            limit = stream.custody if stream.custody is not None else -1
            missing = _missing(stream)
            if sure := [(low, min(high, limit)) for low, high in missing if low <= limit]:
                what = _("gw {gw}, ep {ep}: seq {seq} was not published")
                yield stream.topic, "seq-hole", Said(what, gw=gw, ep=ep, seq=_words(sure))
            if late := [(max(low, limit + 1), high) for low, high in missing if high > limit]:
                what = _("gw {gw}, ep {ep}: seq {seq} has not come yet")
                yield stream.topic, "seq-open", Said(what, gw=gw, ep=ep, seq=_words(late))
            if stream.live_after and limit > stream.top:
                what = _("gw {gw}, ep {ep}: custody {custody}, highest seq {seq}")
                said = Said(what, gw=gw, ep=ep, custody=limit, seq=stream.top)
                yield stream.custody_topic, "custody-ahead", said
        for (_gw, name), alarm in self._alarms.items():
            for rule, what in _pairing(list(alarm.told.values())):
                yield alarm.topic, rule, Said("id {id}: {what}", id=repr(name), what=what)


def _pairing(told: list[Event]) -> Iterator[Problem]:
    kinds = ", ".join(sorted({event.type for event in told}))
    if ", " in kinds:
        yield "event-pair", Said(_("it is of several kinds: {kinds}"), kinds=kinds)
    raised = [event for event in told if event.state == "raised"]
    cleared = [event for event in told if event.state == "cleared"]
    for what, events in ((_("raised {times} times"), raised), (_("cleared {times} times"), cleared)):
        if len(events) > 1:
            yield "event-pair", Said(what, times=len(events))
    for up in raised[:1]:
        for down in cleared[:1]:
            if down.ts < up.ts or (down.ep == up.ep and down.seq < up.seq):
                what = _("cleared at {cleared} (seq {after}), raised {raised} (seq {before})")
                yield (
                    "event-order",
                    Said(what, cleared=down.ts, after=down.seq, raised=up.ts, before=up.seq),
                )


def _missing(stream: _Stream) -> list[tuple[int, int]]:
    """Return the spans above `base` that were neither seen nor named by a gap."""
    there = sorted([*((seq, seq) for seq in stream.seen), *stream.told])
    spans, next_seq = [], stream.base + 1
    for first, last in there:
        if next_seq < first and next_seq <= stream.top:
            spans.append((next_seq, min(first - 1, stream.top)))
        next_seq = max(next_seq, last + 1)
    return spans


def _digest(message: Message) -> int:
    """A number for the reading's content; whether it came late is of the way, not of the reading."""
    keys = {key: value for key, value in message.keys.items() if key != "hist"}
    asset = message.asset
    return hash((asset, msgspec.json.encode(keys, order="sorted")))


def _words(spans: list[tuple[int, int]]) -> Said:
    words = [f"{low}" if low == high else f"{low}-{high}" for low, high in spans]
    shown = ", ".join(words[:_SHOWN])
    if len(words) <= _SHOWN:
        return Said("{spans}", spans=shown)
    return Said(_("{spans} and {more} spans more"), spans=shown, more=len(words) - _SHOWN)
