"""What the retained side must be: each asset has its meta, its status and a state, and they agree."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.feed.bodies import Event, Meta, Reading
from gateway.feed.errors import FeedError
from gateway.feed.kit.said import Said
from gateway.feed.kit.said import marked as _
from gateway.feed.kit.single import Message, Problem
from gateway.feed.kit.streams import Found
from gateway.feed.times import to_ns

_S = 1_000_000_000
_SLACK_S = 10.0
"""What a reading may be later than its staleAfter, beside half of that: the way takes time."""


@dataclass(slots=True)
class _Place:
    """One asset as it was seen."""

    gw: str = ""
    type: str = ""
    meta: Meta | None = None
    has_meta: bool = False
    status: str | None = None
    state_ts: str = ""
    newest_ts: str = ""
    newest_q: str = ""
    spoke_offline: bool = False


class Places:
    """Remembers every asset by its topic without the channel."""

    def __init__(self) -> None:
        self._of: dict[str, _Place] = {}

    def stale_after_s(self, asset: str) -> float | None:
        """Return how old an asset's reading may be, by its meta; None when that was not seen."""
        place = self._of.get(asset)
        return place.meta.staleAfter if place and place.meta else None

    def flags(self, message: Message) -> None:
        """Note that there is a meta, what the status is, and that an asset was taken back."""
        channel = message.topic.channel
        if not message.heard.payload:
            if channel == "meta":
                self._of.pop(message.asset, None)
        elif channel == "meta":
            self._place(message).has_meta = True
        elif channel == "status":
            self._place(message).status = message.heard.payload.decode("utf-8", "replace")

    def meta(self, message: Message, body: Meta) -> Iterator[Problem]:
        """Note an asset's meta."""
        place = self._place(message)
        place.meta = body
        if place.type and place.type != body.type:
            yield (
                "meta-type",
                Said(_("type is {type}, its readings are {other}"), type=body.type, other=place.type),
            )
        if place.gw and place.gw != body.gw:
            yield "meta-gw", Said(_("gw is {gw}, its readings are of {other}"), gw=body.gw, other=place.gw)

    def event(self, message: Message, body: Event) -> Iterator[Problem]:
        """Compare an event with the asset's meta."""
        meta = self._place(message).meta
        if meta and meta.gw != body.gw:
            yield "meta-gw", Said(_("gw is {gw}, its meta says {other}"), gw=body.gw, other=meta.gw)

    def reading(self, message: Message, body: Reading) -> Iterator[Problem]:
        """Note a reading or state, and compare it with the asset's meta and its earlier states."""
        place = self._place(message)
        kind = type(body).__name__
        place.gw, place.type = body.gw, kind
        if place.meta and place.meta.type != kind:
            yield (
                "meta-type",
                Said(_("type is {type}, its meta says {other}"), type=kind, other=place.meta.type),
            )
        if place.meta and place.meta.gw != body.gw:
            yield "meta-gw", Said(_("gw is {gw}, its meta says {other}"), gw=body.gw, other=place.meta.gw)
        if body.ts >= place.newest_ts:
            place.newest_ts, place.newest_q = body.ts, body.q
        if message.topic.channel == "state":
            if body.ts < place.state_ts:
                yield "state-back", Said(_("ts {ts} after {before}"), ts=body.ts, before=place.state_ts)
            place.state_ts = max(place.state_ts, body.ts)
        elif body.hist is not True:
            own = self._of.get(self._node_of(message, body.gw))
            if own and own.status == "offline":
                own.spoke_offline = True

    def finish(self, now_ns: int) -> Iterator[Found]:
        """Say what is missing of each asset in the end, and whose age its status hides."""
        for asset, place in self._of.items():
            if not place.has_meta:
                yield f"{asset}/meta", "meta-missing", Said(_("no meta was seen"))
            if place.status is None:
                yield f"{asset}/status", "status-missing", Said(_("no status was seen"))
            if place.status == "online" and place.newest_q == "bad":
                yield (
                    f"{asset}/status",
                    "status-quality",
                    Said(_("online, but the reading of {ts} is bad"), ts=place.newest_ts),
                )
            if place.spoke_offline:
                yield (
                    f"{asset}/status",
                    "offline-speaks",
                    Said(_("live readings came while the node was offline")),
                )
        yield from self._silent(now_ns)

    def _silent(self, now_ns: int) -> Iterator[Found]:
        for asset, place in self._of.items():
            if place.meta is None or place.status != "online":
                continue
            if asset.split("/")[-2] == "gateway":
                mine = [each for each in self._of.values() if each.meta and each.meta.gw == place.meta.gw]
                rule, limit_s = "last-will", max(each.meta.staleAfter for each in mine if each.meta)
                newest = max((each.newest_ts for each in mine), default="")
            else:
                rule, limit_s, newest = "stale", place.meta.staleAfter, place.newest_ts
                own = self._of.get(f"{'/'.join(asset.split('/')[:4])}/gateway/{place.meta.gw}")
                if own and own.status == "offline":
                    continue  # said by the node's own status
            age_s = _age_s(newest, now_ns)
            if age_s is not None and age_s > limit_s * 1.5 + _SLACK_S:
                what = _("online, but the newest reading is {age} s old, staleAfter is {limit} s")
                yield f"{asset}/status", rule, Said(what, age=f"{age_s:.0f}", limit=f"{limit_s:g}")

    def _place(self, message: Message) -> _Place:
        return self._of.setdefault(message.asset, _Place())

    @staticmethod
    def _node_of(message: Message, gw: str) -> str:
        return f"{'/'.join(message.asset.split('/')[:4])}/gateway/{gw}"


def _age_s(ts: str, now_ns: int) -> float | None:
    try:
        return (now_ns - to_ns(ts)) / _S if ts else None
    except FeedError:
        return None
