"""Which certificates and revocation lists an edge depends on, and when they end."""

import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from edge_api.api.view import Certificate
from edge_api.config import EdgeConfig
from gateway.feed.expiry import look

__all__ = ["SOON_DAYS", "certificates", "files_of", "warn"]

log = logging.getLogger(__name__)

SOON_DAYS = 30
"""From here on a person must act: enough to send a certificate on a stick."""


def certificates(config: EdgeConfig, now_ns: int) -> list[Certificate]:
    """Return the state of each file, as the table and key that name it."""
    return [
        Certificate(
            what=each.what, expires=_text(each.expires), days_left=each.days_left, problem=each.problem
        )
        for each in look(files_of(config), now_ns)
    ]


def warn(found: list[Certificate]) -> None:
    """Log what has ended, ends soon or cannot be read."""
    for each in found:
        if each.problem:
            log.warning("%s: %s", each.what, each.problem)
        elif each.days_left is not None and each.days_left < SOON_DAYS:
            log.warning("%s ends in %.0f days, at %s: renew it", each.what, each.days_left, each.expires)


def _text(when: datetime | None) -> str | None:
    return when.isoformat().replace("+00:00", "Z") if when else None


def files_of(config: EdgeConfig) -> Iterator[tuple[str, Path | None]]:
    """Yield what each certificate and list is called, and where it is."""
    if config.mqtt is not None:
        yield from (("[mqtt] ca_file", config.mqtt.ca_file), ("[mqtt] cert_file", config.mqtt.cert_file))
    yield "[http] cert_file", config.http.cert_file
    for each in config.upstreams:
        yield from (
            (f"upstream {each.name}: ca_file", each.ca_file),
            (f"upstream {each.name}: cert_file", each.cert_file),
        )
    if config.broker is not None:
        for key in ("ca_file", "cert_file", "crl_file"):
            yield f"[broker] {key}", getattr(config.broker, key)
        if config.broker.bridge is not None:
            yield "[broker.bridge] cert_file", config.broker.bridge.cert_file
