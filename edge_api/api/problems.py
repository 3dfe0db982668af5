"""Errors as problem+json (RFC 9457): a title in words, the detail that helps."""

from http import HTTPStatus

import msgspec
from fastapi import Response


class Problem(Exception):  # noqa: N818 - the name of the thing in RFC 9457
    """A request cannot be answered as it is; `detail` says what would be right."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def problem_response(status: int, detail: str) -> Response:
    """Return the answer to send."""
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    # A browser then asks for the token in its password box.
    headers = {"WWW-Authenticate": 'Basic realm="commune", charset="UTF-8"'} if status == 401 else {}
    return Response(msgspec.json.encode(body), status, headers, "application/problem+json")
