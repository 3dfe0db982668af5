"""The technician's assistant: choose a device, see how it is wired, check it, certify the whole."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from edge_api.api.problems import Problem
from edge_api.web import chart, words
from edge_api.web.at_desk import AtDesk, those
from edge_api.web.desk import DeskAway
from edge_api.web.figures import local_text
from edge_api.web.frame import HTML, Frame, Look
from edge_api.web.wiring import wiring_page
from gateway.feed.desk import Ask, Calibrated, Certified, Checked, Refused, Target, Wired

_POLL_S = 3
_MOST_SHOWN = 20


def install_routes(frame: Frame) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    desk = AtDesk(frame)

    @router.get("/install")
    def install(look: Annotated[Look, Depends(frame.reader)]) -> Response:
        try:
            devices = those(desk.ask(look, Ask(do="devices")), Wired)
        except DeskAway as error:
            return desk.away(look, str(error))
        return frame.show(look, "install.html", view="install", devices=devices)

    @router.get("/install/device/{device}")
    def one(device: str, look: Annotated[Look, Depends(frame.admin)]) -> Response:
        try:
            return _device(frame, desk, look, device[:64])
        except DeskAway as error:
            return desk.away(look, str(error))

    @router.get("/install/check")
    def check(
        look: Annotated[Look, Depends(frame.admin)],
        device: Annotated[str, Query(max_length=64)] = "",
    ) -> Response:
        """Look at one device, or at all; nothing is changed by it."""
        try:
            answers = desk.ask(look, Ask(do="check", device=device))
        except DeskAway as error:
            return desk.away(look, str(error))
        refused = those(answers, Refused)
        return frame.show(
            look,
            "check.html",
            view="install",
            poll=_POLL_S if device and not refused else 0,
            device=device,
            checked=those(answers, Checked),
            metric=lambda key: _metric(key, look),
            refused=refused[0].error if refused else "",
        )

    @router.get("/install/certificate")
    def certificate(look: Annotated[Look, Depends(frame.admin)]) -> Response:
        """Check everything and show the certificate, to be printed or saved."""
        try:
            answers = desk.ask(look, Ask(do="certificate"))
        except DeskAway as error:
            return desk.away(look, str(error))
        found = those(answers, Certified)
        if not found:
            refused = those(answers, Refused)
            raise Problem(503, refused[0].error if refused else "the node gave no certificate")
        frame.note(look, "certificate")
        headers = {"Content-Security-Policy": chart.CSP, "Cache-Control": "no-store"}
        return Response(found[0].html, headers=headers, media_type=HTML)

    return router


def _device(frame: Frame, desk: AtDesk, look: Look, device: str) -> Response:
    """Show one device: its wiring, and how its values were made true."""
    wired = those(desk.ask(look, Ask(do="wiring", device=device)), Wired)
    if not wired:
        raise Problem(404, f"the node has no device {device!r}")
    targets = [each for each in those(desk.ask(look, Ask(do="targets")), Target) if each.device == device]
    names = {each.of for each in targets}
    made = [each for each in those(desk.ask(look, Ask(do="calibrations")), Calibrated) if each.of in names]
    return frame.show(
        look,
        "device.html",
        view="install",
        device=wired[0],
        picture=wiring_page(wired[0].driver, look.lang),
        targets=[
            (each, _metric(each.metric, look), local_text(each.at, look.say) if each.at else "")
            for each in targets
        ],
        history=[(each, local_text(each.at, look.say)) for each in made[: -_MOST_SHOWN - 1 : -1]],
    )


def _metric(key: str, look: Look) -> str:
    return look.say(words.METRICS[key]) if key in words.METRICS else key
