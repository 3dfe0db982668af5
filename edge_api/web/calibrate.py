"""A calibration led step by step at the node's desk, on a phone beside the sensor."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from edge_api.api.problems import Problem
from edge_api.web.at_desk import AtDesk, those
from edge_api.web.desk import DeskAway
from edge_api.web.forms import line, posted
from edge_api.web.frame import Frame, Look
from gateway.feed.desk import Act, Ask, Calibrated, Refused, Stepped
from sensors.figures import UNITS

_ACTS: tuple[Act, ...] = ("start", "measure", "point", "back", "finish", "cancel")
_POLL_S = 2


def calibrate_routes(frame: Frame) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    leading = _Leading(frame)

    @router.get("/install/calibrate")
    def stands(
        look: Annotated[Look, Depends(frame.admin)],
        of: Annotated[str, Query(max_length=130)],
        name: Annotated[str, Query(max_length=130)] = "",
    ) -> Response:
        """Show where a calibration stands, with one more reading."""
        return leading.show(look, Ask(do="calibrate", act="measure", target=of), name)

    @router.post("/install/calibrate")
    async def act(request: Request, look: Annotated[Look, Depends(frame.admin)]) -> Response:
        form = await posted(request, look)
        return await asyncio.to_thread(leading.act, look, form)

    return router


class _Leading:
    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._desk = AtDesk(frame)

    def act(self, look: Look, form: dict[str, str]) -> Response:
        """Do what a form asks for, and show where that leads."""
        wanted = next((each for each in _ACTS if each == form.get("act")), None)
        if wanted is None:
            raise Problem(400, f"act: one of {', '.join(_ACTS)}")
        question = Ask(
            do="calibrate",
            act=wanted,
            target=form.get("of", "")[:130],
            step=int(step) if (step := form.get("step", "")).isdecimal() else None,
            number=_number(form.get("number", "")),
            note=line(form.get("note", ""))[:500],
        )
        return self.show(look, question, form.get("name", ""), form.get("device", ""))

    def show(self, look: Look, question: Ask, name: str, device: str = "") -> Response:
        """Ask the desk, and show its answer."""
        try:
            answers = self._desk.ask(look, question)
        except DeskAway as error:
            return self._desk.away(look, str(error))
        refused, steps, made = those(answers, Refused), those(answers, Stepped), those(answers, Calibrated)
        if refused and question.act in ("point", "back"):
            # What was refused leaves the calibration where it is: show that too.
            where = Ask(do="calibrate", act="measure", target=question.target)
            steps = those(self._desk.ask(look, where), Stepped)
        if question.act == "finish" and made:
            self._frame.note(look, "calibrate", ", ".join(each.of for each in made))
        return self._frame.show(
            look,
            "calibrate.html",
            view="install",
            poll=_POLL_S if steps and steps[0].wants == "measure" else 0,
            name=name or question.target,
            of=steps[0].of if steps else question.target,
            step=steps[0] if steps else None,
            unit=UNITS.get(steps[0].unit, steps[0].unit) if steps else "",
            made=made,
            device=steps[0].device if steps else device,
            refused=refused[0].error if refused else "",
            act=question.act,
        )


def _number(text: str) -> float | None:
    """Read a number as people here write it: with a comma, or a point."""
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None
