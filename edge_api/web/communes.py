"""The first view above a commune: one line a commune, those that need somebody first, each leading down."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import Response
from markupsafe import Markup

from edge_api.history import AssetNow
from edge_api.web.cards import CardMaker
from edge_api.web.figures import age
from edge_api.web.frame import Frame, Look
from edge_api.web.trend import DAYS, FEW, trend
from gateway.feed import FeedError
from gateway.feed.communes import commune
from sensors.figures import number

_NS_A_SECOND = 1_000_000_000
_NS_A_DAY = 86_400 * _NS_A_SECOND
_OFFSET_NS = 7 * 3600 * _NS_A_SECOND  # UTC+7
_SILENT_S = 900.0


def _(text: str) -> str:
    return text


@dataclass(slots=True)
class CommuneLine:
    """One commune. `whole` is today's completeness, `before` yesterday's: 0 to 1, None where not counted."""

    code: str
    name: str
    assets: int = 0
    doubtful: int = 0
    alarms: int = 0
    heard_ns: int = 0
    waiting: int = 0
    whole: float | None = None
    counted: str = ""
    before: float | None = None
    counted_before: str = ""
    tone: str = "good"
    link: str = ""
    waiting_text: str = ""
    whole_text: str = ""
    before_text: str = ""
    trend: Markup = field(default_factory=Markup)
    marks: dict[str, str] = field(default_factory=dict)


def show_communes(frame: Frame, look: Look) -> Response:
    """Show all communes that have been heard of."""
    edge = frame.edge
    lines = commune_lines(frame, look)
    return frame.show(
        look,
        "communes.html",
        live="alarms",
        poll=30,
        view="overview",
        lines=lines,
        alarms=sum(each.alarms for each in lines),
        assets=sum(each.assets for each in lines),
        silent=sum(each.tone == "bad" and each.marks["link"] == "bad" for each in lines),
        counted=edge.office is not None,
    )


def commune_lines(frame: Frame, look: Look) -> list[CommuneLine]:
    """Return one line a commune, the most urgent first."""
    edge = frame.edge
    now_ns = edge.now_ns()
    maker = CardMaker(now_ns, look.lang, look.say)
    places: dict[str, list[AssetNow]] = defaultdict(list)
    for each in edge.history.latest():
        if each.commune:
            places[each.commune].append(each)
    open_by: dict[str, int] = defaultdict(int)
    for alarm in edge.alarms.open_alarms():
        open_by[alarm.commune] += 1
    today = (now_ns + _OFFSET_NS) // _NS_A_DAY
    arrived = edge.office.arrived(range(today - DAYS + 1, today + 1)) if edge.office is not None else {}
    lines = [
        _finished(_line(code, assets, maker, open_by[code], today, arrived.get(code, {}), look), now_ns, look)
        for code, assets in places.items()
    ]
    lines.sort(key=lambda each: (("bad", "warn", "good").index(each.tone), each.name))
    return lines


def _line(
    code: str,
    assets: Sequence[AssetNow],
    maker: CardMaker,
    alarms: int,
    today: int,
    arrived: Mapping[int, tuple[int, int]],
    look: Look,
) -> CommuneLine:
    line = CommuneLine(code, name_of(code), len(assets), alarms=alarms)
    for each in assets:
        line.doubtful += maker.tone(each) != "good"
        line.heard_ns = max(line.heard_ns, each.ts_ns)
        depth = each.fields.get("spoolDepth")
        if depth is not None and isinstance(depth.value, (int, float)):
            line.waiting += int(depth.value)
    shares = {day: present / expected for day, (present, expected) in arrived.items() if expected}
    line.whole, line.before = shares.get(today), shares.get(today - 1)
    line.counted, line.counted_before = (
        "/".join(map(str, arrived[day])) if day in arrived else "" for day in (today, today - 1)
    )
    line.trend = trend(shares, today, look.lang, look.say)
    return line


def _finished(line: CommuneLine, now_ns: int, look: Look) -> CommuneLine:
    old_s = (now_ns - line.heard_ns) / _NS_A_SECOND
    line.link = age(old_s, look.say) if line.heard_ns else look.say(_("nothing heard yet"))
    line.waiting_text = number(line.waiting, look.lang)
    line.whole_text, line.before_text = (
        "—" if share is None else f"{number(share * 100, look.lang, 1)} %"
        for share in (line.whole, line.before)
    )
    line.marks = {
        "link": "bad" if not line.heard_ns or old_s > _SILENT_S else "good",
        "alarms": "bad" if line.alarms else "good",
        "whole": "warn" if line.whole is not None and line.whole < FEW else "good",
        "before": "warn" if line.before is not None and line.before < FEW else "good",
        "doubtful": "warn" if line.doubtful else "good",
    }
    found = set(line.marks.values())
    line.tone = "bad" if "bad" in found else "warn" if "warn" in found else "good"
    return line


def name_of(code: str) -> str:
    """Return a commune's name, or its code where none is known."""
    try:
        return commune(code).full_name
    except FeedError:
        return code
