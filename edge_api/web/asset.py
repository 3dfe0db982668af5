"""One asset: what it says now, how it has been, how its values were made true, and its alarms."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from edge_api.history import AssetNow
from edge_api.web.alarms import alarm_lines
from edge_api.web.cards import CardMaker
from edge_api.web.charts import charts
from edge_api.web.desk import DeskAway, ask_desk
from edge_api.web.figures import local_text, range_text, units_of
from edge_api.web.frame import Frame, Look
from edge_api.web.span import SPANS
from gateway.feed.desk import Ask, Calibrated, Target

_MOST_ALARMS = 1000  # of the book that are looked through for this asset's
_SHOWN_ALARMS = 10


def asset_routes(frame: Frame) -> APIRouter:
    """Return the route."""
    router = APIRouter(include_in_schema=False)
    edge = frame.edge

    @router.get("/asset/{key:path}")
    def asset(
        key: Annotated[str, Path()],
        look: Annotated[Look, Depends(frame.reader)],
        span: Annotated[str, Query(max_length=10)] = "day",
    ) -> Response:
        found, chosen = frame.asset(key), SPANS.get(span, SPANS["day"])
        mine = [
            each
            for each in edge.alarms.alarms(found.commune or None, None, _MOST_ALARMS)
            if (each.domain, each.asset) == (found.domain, found.id)
        ]
        return frame.show(
            look,
            "asset.html",
            live="asset",
            poll=60,
            view="overview",
            asset=found,
            card=CardMaker(edge.now_ns(), look.lang, look.say).card(found),
            limits=_limits(found, look),
            spans=[(each.name, look.say(each.word)) for each in SPANS.values()],
            span=chosen.name,
            charts=charts(frame, found, chosen, look),
            lines=alarm_lines(frame, look, mine[:_SHOWN_ALARMS]),
            calibrations=_calibrations(frame, look, found),
        )

    return router


def _limits(asset: AssetNow, look: Look) -> dict[str, str]:
    units = units_of(asset)
    return {
        field: range_text(field, ends[:2], units.get(field, ""), look.lang, look.say)
        for field, ends in asset.limits.items()
    }


def _calibrations(frame: Frame, look: Look, asset: AssetNow) -> list[tuple[Calibrated, str]] | None:
    """Return how an asset's values were made true, the newest first; None where no node can be asked."""
    if frame.desk is None:
        return None
    try:
        targets = list(ask_desk(frame.desk, Ask(do="targets")))
        made = list(ask_desk(frame.desk, Ask(do="calibrations", lang="en" if look.lang == "en" else "vi")))
    except DeskAway:
        return None
    mine = {each.of for each in targets if isinstance(each, Target) and asset.id in each.assets}
    found = [each for each in made if isinstance(each, Calibrated) and each.of in mine | {asset.id}]
    return [(each, local_text(each.at, look.say)) for each in reversed(found)]
