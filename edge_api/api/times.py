"""Times in questions and answers of the API: RFC 3339 UTC outside, ns since 1970 inside."""

import re
from datetime import UTC, datetime, timedelta

from edge_api.api.problems import Problem

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS_A_SECOND = 1_000_000_000
_SPAN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|min|h|d|)", re.ASCII)
_UNITS_S = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


def rfc3339(ns: int) -> str:
    """Write ns as RFC 3339 UTC: with milliseconds, or with nanoseconds when there are any."""
    seconds, rest = divmod(ns, _NS_A_SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    whole, fine = divmod(rest, 1_000_000)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{f'{rest:09d}' if fine else f'{whole:03d}'}Z"


def moment_ns(text: str, name: str) -> int:
    """Read an RFC 3339 time as ns; raise Problem that names the parameter."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min  # noqa: DTZ901 - a time without a zone, refused below
    if moment.tzinfo is None:
        hint = "" if " " not in text else " (a + in an address is written %2B)"
        raise Problem(400, f"{name}={text!r} is not an RFC 3339 time such as 2026-11-23T05:40:00Z{hint}")
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def span_s(text: str, name: str) -> float:
    """Read a span such as 60, 60s, 5min, 2h or 7d as seconds; raise Problem that names the parameter."""
    match = _SPAN.fullmatch(text)
    seconds = float(match[1]) * _UNITS_S[match[2]] if match else 0.0
    if seconds < 0.001:
        raise Problem(400, f"{name}={text!r} is not a span of time such as 60s, 5min, 2h or 7d")
    return seconds
