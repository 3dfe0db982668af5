"""One asset as a card says it: its values in words, why they are doubtful, how old they are, its alarms."""

from dataclasses import dataclass

from edge_api.history import AssetNow
from edge_api.web import words
from edge_api.web.figures import age, local_time, units_of, value_text
from sensors.text import Translate

__all__ = ["TONES", "Card", "CardMaker", "FieldLine"]

TONES = ("bad", "warn", "good")
_FAULTS = frozenset({"offline", "fault"})
_NS_A_SECOND = 1_000_000_000
_STALE_AFTER_S = 900.0  # for an asset whose node has not said its own


def _(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One value on a card; `doubt` says why it is doubtful or missing."""

    field: str
    label: str
    text: str
    doubt: str = ""
    share: float | None = None  # 0 to 1 of what can also be drawn as a bar


@dataclass(frozen=True, slots=True)
class Card:
    """One asset on the page. `tone` is good, warn or bad; `mark` is that of its quality alone."""

    key: str
    name: str
    kind: str
    place: str
    domain: str
    commune: str
    fields: list[FieldLine]
    alerts: list[str]
    quality: str
    status: str
    seen: str
    age: str
    tone: str
    mark: str
    fault: bool = False  # its node is away, or says that something is broken


class CardMaker:
    """Makes the cards of one language at one time (ns since 1970)."""

    def __init__(self, now_ns: int, lang: str, say: Translate) -> None:
        self._now_ns = now_ns
        self._lang = lang
        self._say = say

    def tone(self, asset: AssetNow) -> str:
        """Return how urgently an asset needs a person."""
        if (
            asset.quality == "bad"
            or asset.status in _FAULTS
            or any(alert.state == "raised" for alert in asset.alerts.values())
        ):
            return "bad"
        return "warn" if not asset.ts_ns or asset.quality != "good" or self._late(asset) else "good"

    def card(self, asset: AssetNow) -> Card:
        """Return the card of an asset."""
        say = self._say
        late = self._late(asset)
        return Card(
            key=asset.key,
            name=asset.name or asset.id,
            kind=self.word(words.TYPES, asset.type),
            place=asset.id if asset.name else "",
            domain=asset.domain,
            commune=asset.commune,
            fields=self.fields(asset),
            alerts=[
                self.word(words.ALERTS, alert.kind)
                for alert in asset.alerts.values()
                if alert.state == "raised"
            ],
            quality=say(_("out of date")) if late else self.word(words.QUALITY, asset.quality),
            status=self.word(words.STATUS, asset.status) if asset.status else "",
            seen=local_time(asset.ts_ns) if asset.ts_ns else "",
            age=age(self._old_s(asset.ts_ns), say) if asset.ts_ns else say(_("nothing heard yet")),
            tone=self.tone(asset),
            mark="warn" if late else {"good": "good", "bad": "bad"}.get(asset.quality, "warn"),
            fault=asset.status in _FAULTS,
        )

    def fields(self, asset: AssetNow) -> list[FieldLine]:
        """Return an asset's values, and those that it should have and has not."""
        units = units_of(asset)
        reasons = dict(asset.reasons)
        lines: list[FieldLine] = []
        for field, now in asset.fields.items():
            text = value_text(field, now.value, units.get(field, ""), self._lang, self._say)
            doubt = self.word(words.REASONS, reasons.pop(field)) if field in reasons else ""
            if now.ts_ns < asset.ts_ns:
                passed = age(self._old_s(now.ts_ns), self._say)
                doubt = f"{doubt} ({passed})" if doubt else passed
            share = now.value if field in words.SHARES and isinstance(now.value, float) else None
            lines.append(FieldLine(field, self.word(words.FIELDS, field), text, doubt, share))
        return lines + [
            FieldLine(field, self.word(words.FIELDS, field), "—", self.word(words.REASONS, reason))
            for field, reason in reasons.items()
        ]

    def word(self, table: dict[str, str], key: str) -> str:
        """Translate a word of the feed; one that is not known is shown as it came."""
        return self._say(table[key]) if key in table else key

    def _late(self, asset: AssetNow) -> bool:
        return bool(asset.ts_ns) and self._old_s(asset.ts_ns) > (asset.stale_after_s or _STALE_AFTER_S)

    def _old_s(self, ts_ns: int) -> float:
        return (self._now_ns - ts_ns) / _NS_A_SECOND
