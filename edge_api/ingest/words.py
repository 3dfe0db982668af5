"""Refusals of a write in InfluxDB's words, which its clients and our own relays act upon."""

import json
import math

from fastapi import Response

from edge_api.api.view import Paced, Refused, SpoolFull
from edge_api.ingest.body import TooLarge
from edge_api.lineprotocol import LineError


class InfluxError(Exception):
    """A refusal in InfluxDB's words."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        line: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, str | int] = {"code": code, "message": message}
        if line is not None:
            self.body["line"] = line
        self.retry_after_s = retry_after_s

    def response(self) -> Response:
        """Return the answer to send."""
        headers = {"X-Platform-Error-Code": str(self.body["code"])}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after_s)))
        if self.status == 401:
            headers["WWW-Authenticate"] = 'Token realm="commune"'
        body = json.dumps(self.body, ensure_ascii=False)
        return Response(body, self.status, headers, "application/json; charset=utf-8")


def in_influx_words(error: Exception) -> InfluxError:
    """Return what a sender is told of an error of its own, or of ours."""
    message = str(error)
    if isinstance(error, LineError):
        return InfluxError(400, "invalid", message, line=error.line_number)
    if isinstance(error, TooLarge):
        return InfluxError(413, "request too large", message)
    if isinstance(error, (SpoolFull, Paced)):
        return InfluxError(429, "too many requests", message, retry_after_s=error.retry_after_s)
    if isinstance(error, Refused):
        return InfluxError(503, "unavailable", message, retry_after_s=error.retry_after_s)
    return InfluxError(400, "invalid", message)
