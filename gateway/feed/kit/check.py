"""Holds a stream of messages against the contract: first each alone, then what they say together."""

from collections import Counter
from collections.abc import Iterator
from typing import cast

from gateway.feed.bodies import Custody, Event, Meta, Reading
from gateway.feed.commands import Ack, Command
from gateway.feed.errors import FeedError
from gateway.feed.kit.capture import Heard
from gateway.feed.kit.commands import Commands
from gateway.feed.kit.places import Places
from gateway.feed.kit.rules import RULES, Finding
from gateway.feed.kit.said import Said
from gateway.feed.kit.said import marked as _
from gateway.feed.kit.single import Message, look
from gateway.feed.kit.streams import Streams
from gateway.feed.times import to_ns
from gateway.feed.topics import ROOT

_S = 1_000_000_000
_MISPLACED = frozenset({"type-domain", "channel-domain"})
_AHEAD_NS = 60 * _S
"""A clock that is set may be off by a little; more than a minute is a clock that is wrong."""


class Check:
    """Give it messages in the order in which they came, then `finish`; it keeps what it must compare.

    With `wall`, ages are those of the wall clock at which messages came; without, those of the newest `ts`
    of the feed, as for a replay or a simulation. `as_published` is whether retain flags came as published.
    """

    def __init__(self, *, wall: bool = True, as_published: bool = True) -> None:
        self.findings: list[Finding] = []
        self.heard: Counter[str] = Counter()
        self.others = 0
        self._wall = wall
        self._as_published = as_published
        self._newest_ns = 0
        self._at_ns = 0
        self._streams = Streams()
        self._places = Places()
        self._commands = Commands()

    @property
    def fine(self) -> bool:
        """Whether nothing breaks the contract; what is only worth a look does not count."""
        return all(finding.notice for finding in self.findings)

    def take(self, heard: Heard) -> None:
        """Judge one message, and remember of it what later ones must agree with."""
        self._at_ns = max(self._at_ns, heard.at_ns)
        if not heard.topic.startswith(ROOT + "/"):
            self.others += 1
            return
        message = look(heard, as_published=self._as_published)
        if not isinstance(message, Message):
            self._say(heard.topic, *message)
            return
        self.heard[message.topic.channel] += 1
        for rule, what in message.problems:
            self._say(heard.topic, rule, what)
        if _MISPLACED & {rule for rule, _ in message.problems}:
            return  # what it says of its asset would only be said wrongly
        self._places.flags(message)
        if message.body is None:
            self._streams.broken(message)
            self._commands.broken(message)
        for rule, what in self._together(message):
            self._say(heard.topic, rule, what)

    def finish(self, now_ns: int | None = None) -> list[Finding]:
        """Judge what can be judged only in the end, now or at the last message; return all findings."""
        if not self.heard and not self.findings:
            self._say(f"{ROOT}/#", "silence", Said(_("no message of the feed was heard")))
        at_ns = max(now_ns or 0, self._at_ns)
        now = at_ns if self._wall else self._newest_ns
        for topic, rule, what in (
            *self._streams.finish(),
            *self._places.finish(now),
            *self._commands.finish(at_ns),
        ):
            self._say(topic, rule, what)
        return self.findings

    def broken_off(self, why: str) -> None:
        """Say that the broker ended the connection, so that what follows was not heard."""
        self._say(f"{ROOT}/#", "broker", why)

    def summary(self) -> dict[str, object]:
        """Return the facts of the whole: messages a channel, findings a rule."""
        rules = Counter(finding.rule for finding in self.findings)
        return {
            "ok": self.fine,
            "messages": self.heard.total(),
            "channels": dict(self.heard),
            "others": self.others,
            "findings": dict(rules),
            "breaches": sum(count for rule, count in rules.items() if not RULES[rule].notice),
        }

    def _together(self, message: Message) -> Iterator[tuple[str, str]]:
        body = message.body
        if isinstance(body, Reading | Event):
            yield from self._times(message, body)
            yield from self._streams.number(message, body)
        if isinstance(body, Reading):
            if any(rule == "ts" for rule, _ in message.problems):
                return  # no age and no order can be told from it
            yield from self._places.reading(message, body)
        elif isinstance(body, Event):
            yield from self._places.event(message, body)
            yield from self._streams.event(message, body)
        elif isinstance(body, Meta):
            yield from self._places.meta(message, body)
        elif isinstance(body, Custody):
            yield from self._streams.custody(message, body)
        elif isinstance(body, Command):
            self._commands.command(message, body)
        elif isinstance(body, Ack):
            yield from self._commands.ack(message, body)

    def _times(self, message: Message, body: Reading | Event) -> Iterator[tuple[str, str]]:
        try:
            ts_ns = to_ns(body.ts)
        except FeedError:
            return  # said already
        self._newest_ns = max(self._newest_ns, ts_ns)
        at_ns = message.heard.at_ns
        if not self._wall or not at_ns:
            return
        if ts_ns > at_ns + _AHEAD_NS:
            what = _("ts is {ts}, {seconds} s after the message came")
            yield "future", Said(what, ts=body.ts, seconds=f"{(ts_ns - at_ns) / _S:.0f}")
        if message.topic.channel == "telemetry" and cast("Reading", body).hist is not True:
            stale_s = self._places.stale_after_s(message.asset)
            late_s = (at_ns - ts_ns) / _S
            if stale_s is not None and late_s > 2 * stale_s and "ts:clock" not in message.keys.get("qr", ""):
                what = _("it came {late} s after its ts, staleAfter is {limit} s, and no hist")
                yield "hist", Said(what, late=f"{late_s:.0f}", limit=f"{stale_s:g}")

    def _say(self, topic: str, rule: str, what: str) -> None:
        self.findings.append(Finding(topic, rule, what))
