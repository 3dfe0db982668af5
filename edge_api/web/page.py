"""What stands on the page, in plain data: the template only lays it out."""

from collections.abc import Sequence
from dataclasses import dataclass

from edge_api.api.view import EdgeView, UpstreamStatus
from edge_api.history import AssetNow
from edge_api.web import words
from edge_api.web.figures import age, local_text, local_time, value_text
from gateway.feed import TYPES
from sensors.figures import number
from sensors.text import Translate

CARDS_A_PAGE = 200
_NS_A_SECOND = 1_000_000_000
_STALE_AFTER_S = 900.0  # for an asset whose node has not said its own


def _(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One value on a card; `doubt` says why it is doubtful or missing."""

    label: str
    text: str
    doubt: str = ""
    share: float | None = None  # 0 to 1 of what can also be drawn as a bar


@dataclass(frozen=True, slots=True)
class Card:
    """One asset on the page. `tone` is good, warn or bad."""

    key: str
    name: str
    kind: str
    place: str
    fields: list[FieldLine]
    alerts: list[str]
    quality: str
    status: str
    seen: str
    age: str
    tone: str


@dataclass(frozen=True, slots=True)
class Link:
    """One upstream on the page."""

    name: str
    state: str
    tone: str
    waiting: list[tuple[str, str]]
    oldest: str
    autonomy: str
    last_success: str
    last_error: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything on the page."""

    title: str
    sections: list[tuple[str, list[Card]]]
    links: list[Link]
    nodes: list[tuple[str, str, str, str, str]]
    now: str
    problem: str
    alarms: int
    assets: int
    doubtful: int
    number: int
    pages: int


class PageMaker:
    """Makes the page of an edge in one language."""

    def __init__(self, edge: EdgeView, lang: str, translate: Translate) -> None:
        self._edge = edge
        self._lang = lang
        self._say = translate

    def page(self, commune: str | None = None, number_: int = 1) -> Page:
        """Return the page: what needs a person first, then by id. `commune` leaves out all others."""
        edge = self._edge
        info = edge.info()
        now_ns = edge.now_ns()
        assets = [each for each in edge.history.latest() if commune in {None, "", each.commune}]
        cards = [(asset, self._card(asset, now_ns)) for asset in assets]
        cards.sort(key=lambda pair: (_TONES.index(pair[1].tone), pair[0].key))
        pages = max(1, -(-len(cards) // CARDS_A_PAGE))
        number_ = min(max(1, number_), pages)
        shown = cards[(number_ - 1) * CARDS_A_PAGE : number_ * CARDS_A_PAGE]
        return Page(
            title=info.name or f"{info.level} {info.province}/{info.commune}",
            sections=self._sections(shown),
            links=[self._link(upstream) for upstream in edge.relay_status().upstreams],
            nodes=self._nodes(),
            now=local_time(now_ns),
            problem=info.problem or "",
            alarms=sum(len(card.alerts) for _asset, card in cards),
            assets=len(assets),
            doubtful=sum(card.tone != "good" for _asset, card in cards),
            number=number_,
            pages=pages,
        )

    def _sections(self, cards: Sequence[tuple[AssetNow, Card]]) -> list[tuple[str, list[Card]]]:
        domains: dict[str, list[Card]] = {domain: [] for domain in words.DOMAINS}
        for asset, card in cards:
            domains.setdefault(asset.domain, []).append(card)
        return [(self._word(words.DOMAINS, key), found) for key, found in domains.items() if found]

    def _card(self, asset: AssetNow, now_ns: int) -> Card:
        say = self._say
        old_s = (now_ns - asset.ts_ns) / _NS_A_SECOND
        late = bool(asset.ts_ns) and old_s > (asset.stale_after_s or _STALE_AFTER_S)
        alerts = [
            self._word(words.ALERTS, alert.kind) for alert in asset.alerts.values() if alert.state == "raised"
        ]
        quality = self._word(words.QUALITY, asset.quality)
        if late:
            quality = say(_("out of date"))
        tone = "good"
        if late or asset.quality != "good" or not asset.ts_ns:
            tone = "warn"
        if alerts or asset.quality == "bad" or asset.status in {"offline", "fault"}:
            tone = "bad"
        return Card(
            key=asset.key,
            name=asset.name or asset.id,
            kind=self._word(words.TYPES, asset.type),
            place=asset.id if asset.name else "",
            fields=self._fields(asset),
            alerts=alerts,
            quality=quality,
            status=self._word(words.STATUS, asset.status) if asset.status else "",
            seen=local_time(asset.ts_ns) if asset.ts_ns else "",
            age=age(old_s, say) if asset.ts_ns else say(_("nothing heard yet")),
            tone=tone,
        )

    def _fields(self, asset: AssetNow) -> list[FieldLine]:
        kind = TYPES.get(asset.type)
        units = (dict(kind.units) if kind else {}) | asset.units
        reasons = dict(asset.reasons)
        lines: list[FieldLine] = []
        for field, now in asset.fields.items():
            text = value_text(field, now.value, units.get(field, ""), self._lang, self._say)
            doubt = self._word(words.REASONS, reasons.pop(field)) if field in reasons else ""
            if now.ts_ns < asset.ts_ns:
                passed = age((self._edge.now_ns() - now.ts_ns) / _NS_A_SECOND, self._say)
                doubt = f"{doubt} ({passed})" if doubt else passed
            share = now.value if field in words.SHARES and isinstance(now.value, float) else None
            lines.append(FieldLine(self._word(words.FIELDS, field), text, doubt, share))
        lines += [
            FieldLine(self._word(words.FIELDS, field), "—", self._word(words.REASONS, reason))
            for field, reason in reasons.items()
        ]
        return lines

    def _link(self, upstream: UpstreamStatus) -> Link:
        say = self._say
        lanes = upstream.lanes
        rows = (("events", lanes.events), ("live", lanes.live), ("backlog", lanes.backlog))
        hours = upstream.autonomy_hours
        oldest = upstream.oldest_age_s
        success = upstream.last_success
        return Link(
            name=self._word(words.LEVELS, upstream.name),
            state=self._word(words.LINK, upstream.state),
            tone={"idle": "good", "sending": "good", "holding": "bad"}.get(upstream.state, "warn"),
            waiting=[(say(words.LANES[name]), number(lane.points, self._lang)) for name, lane in rows],
            oldest=age(oldest, say) if oldest is not None else "",
            autonomy=say(_("{n} h")).format(n=number(hours, self._lang, 0)) if hours is not None else "",
            last_success=local_text(success, say) if success else say(_("not yet")),
            last_error=upstream.last_error or "",
        )

    def _nodes(self) -> list[tuple[str, str, str, str, str]]:
        return [
            (
                node.gw,
                number(node.taken, self._lang),
                number(node.committed, self._lang),
                "—" if node.delivered is None else number(node.delivered, self._lang),
                number(node.missing, self._lang),
            )
            for node in self._edge.counters().nodes
        ]

    def _word(self, table: dict[str, str], key: str) -> str:
        """Translate a word of the feed; one that is not known is shown as it came."""
        return self._say(table[key]) if key in table else key


_TONES = ("bad", "warn", "good")
