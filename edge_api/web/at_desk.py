"""What every view at the desk needs: to ask as whoever is logged in, and to say that no node is there."""

from collections.abc import Iterable
from typing import TypeVar

from fastapi import Response

from edge_api.web.desk import DeskAway, ask_desk
from edge_api.web.frame import Frame, Look
from gateway.feed.desk import Answer, Ask

__all__ = ["AtDesk", "those"]

T = TypeVar("T")


class AtDesk:
    """The desk of the node beside this edge, if there is one."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def ask(self, look: Look, question: Ask) -> list[Answer]:
        """Return all answers, in the language of who looks; raise DeskAway when none come."""
        if self._frame.desk is None:
            raise DeskAway("no desk is configured")
        question.lang = "en" if look.lang == "en" else "vi"
        question.who = look.session.name if look.session else ""
        return list(ask_desk(self._frame.desk, question))

    def away(self, look: Look, error: str) -> Response:
        """Say that no node answers, and what to do."""
        configured = self._frame.desk is not None
        status = 503 if configured else 200
        return self._frame.show(
            look, "no_desk.html", status=status, view="install", configured=configured, error=error
        )


def those(answers: Iterable[Answer], kind: type[T]) -> list[T]:
    """Return the answers of one kind."""
    return [each for each in answers if isinstance(each, kind)]
