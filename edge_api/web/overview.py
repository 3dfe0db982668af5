"""The first view of a commune: every asset as a card, what needs a person first, or all on a map."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from edge_api.history import AssetNow
from edge_api.web import words
from edge_api.web.cards import TONES, CardMaker
from edge_api.web.communes import name_of, show_communes
from edge_api.web.frame import HTML, Frame, Look, templates
from edge_api.web.map import Plan, plan

CARDS_A_PAGE = 60  # what needs a person comes first; a phone is scrolled no further, but searched
_MOST_KEYS = 40  # cards that a page asks for at once while it follows the stream


def show_overview(  # a view has these parts
    frame: Frame,
    look: Look,
    *,
    commune: str = "",
    domain: str = "",
    show: str = "",
    words_: str = "",
    as_map: bool = False,
    number: int = 1,
) -> Response:
    """Show the assets of one commune, or of all."""
    edge = frame.edge
    maker = CardMaker(edge.now_ns(), look.lang, look.say)
    everything = [each for each in edge.history.latest() if commune in {"", each.commune}]
    tones = {each.key: maker.tone(each) for each in everything}
    wanted = words_.casefold().strip()
    assets = [
        each
        for each in everything
        if domain in {"", each.domain}
        and (show != "alarm" or any(alert.state == "raised" for alert in each.alerts.values()))
        and (show != "doubt" or tones[each.key] != "good")
        and (not wanted or wanted in f"{each.name} {each.id}".casefold())
    ]
    assets.sort(key=lambda each: (TONES.index(tones[each.key]), each.key))
    pages = max(1, -(-len(assets) // CARDS_A_PAGE))
    number = min(max(1, number), pages)
    shown = assets[(number - 1) * CARDS_A_PAGE : number * CARDS_A_PAGE]
    return frame.show(
        look,
        "overview.html",
        live="" if as_map else "cards",
        poll=30,
        view="overview",
        commune=commune,
        commune_name=name_of(commune),
        domain=domain,
        filtered=bool(domain or show or wanted),
        wanted=words_,
        show=show,
        domains=[(key, look.say(word)) for key, word in words.DOMAINS.items()],
        assets=len(everything),
        alarms=sum(alert.state == "raised" for each in everything for alert in each.alerts.values()),
        doubtful=sum(tone != "good" for tone in tones.values()),
        sections=[] if as_map else _sections(shown, maker, look),
        as_map=as_map,
        plans=_plans(assets, look.lang) if as_map else [],
        tones=tones,
        number=number,
        pages=1 if as_map else pages,
        links=edge.relay_status().upstreams,
        link_words={key: look.say(word) for key, word in words.LINK.items()},
    )


def _plans(assets: Sequence[AssetNow], lang: str) -> list[tuple[str, Plan]]:
    """Return the map for a desk and for a phone: the page shows the one that fits."""
    drawn = (("for-desk", plan(assets, lang)), ("for-phone", plan(assets, lang, narrow=True)))
    return [(name, each) for name, each in drawn if each is not None]


def _sections(shown: Sequence[AssetNow], maker: CardMaker, look: Look) -> list[tuple[str, object]]:
    domains: dict[str, list[object]] = {domain: [] for domain in words.DOMAINS}
    for asset in shown:
        domains.setdefault(asset.domain, []).append(maker.card(asset))
    return [
        (look.say(words.DOMAINS[key]) if key in words.DOMAINS else key, found)
        for key, found in domains.items()
        if found
    ]


def overview_routes(frame: Frame) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def overview(
        look: Annotated[Look, Depends(frame.reader)],
        commune: Annotated[str, Query(max_length=40)] = "",
        domain: Annotated[str, Query(max_length=40)] = "",
        show: Annotated[Literal["", "alarm", "doubt"], Query()] = "",
        q: Annotated[str, Query(max_length=100)] = "",
        view: Annotated[Literal["cards", "map"], Query()] = "cards",
        page: Annotated[int, Query()] = 1,
        all: Annotated[str, Query(max_length=1)] = "",  # noqa: A002 - the word in the address
    ) -> Response:
        if frame.edge.info().level != "commune" and not (commune or all or domain or q or show):
            return show_communes(frame, look)
        return show_overview(
            frame,
            look,
            commune=commune,
            domain=domain,
            show=show,
            words_=q,
            as_map=view == "map",
            number=page,
        )

    @router.get("/live/cards")
    def cards(
        look: Annotated[Look, Depends(frame.reader)],
        key: Annotated[list[str] | None, Query(max_length=_MOST_KEYS)] = None,
    ) -> Response:
        """Return some cards anew, for a page that follows the stream."""
        maker = CardMaker(frame.edge.now_ns(), look.lang, look.say)
        found = [frame.edge.history.asset(each) for each in key or [] if each.count("/") == 3]
        html = (
            templates()
            .get_template("cards.html")
            .render(cards=[maker.card(each) for each in found if each], _=look.say)
        )
        return Response(html, headers={"Cache-Control": "no-store"}, media_type=HTML)

    return router
