"""Reads a form that a page has posted: small, from our own pages only, with the session's own word in it."""

from urllib.parse import parse_qsl, urlsplit

from fastapi import Request

from edge_api.api.problems import Problem
from edge_api.web.frame import Look

__all__ = ["line", "posted", "read_form"]

_MOST_BYTES = 200_000  # a quarantined body may be mended in a form


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form of this page; raise Problem for anything else."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Problem(403, "the form does not come from this page; open the page anew and try again")
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > _MOST_BYTES:
            raise Problem(413, "the form is too large")
    try:
        return dict(parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=50))
    except ValueError as error:
        raise Problem(400, f"the form cannot be read: {error}") from None


async def posted(request: Request, look: Look) -> dict[str, str]:
    """Return the fields of a form of this session; raise Problem when it is another's."""
    form = await read_form(request)
    if look.session is None or not look.session.may(form.get("csrf", "")):
        raise Problem(403, "the form is not of this login; open the page anew and try again")
    return form


def line(text: str) -> str:
    """Return a text on one line, without what no screen shows."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
