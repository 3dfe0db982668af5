"""An edge's part of the examination: its file, its service, its answers, its way upward."""

import json
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import urllib3

from edge_api.config import EdgeConfig, Upstream, load
from edge_api.expiries import files_of
from edge_api.upstream.connections import upstream_context
from gateway.doctor import machine, services
from gateway.doctor.symptom import Area, Symptom, of
from sensors.errors import ConfigError

__all__ = ["examine"]

UNIT = "commune-edge.service"
BROKER_UNIT = "mosquitto.service"
_ANSWER_S = 10.0


def _(text: str) -> str:
    return text


def examine(file: Path, token: str = "") -> Iterator[Area]:
    """Look at the edge whose configuration is in `file`; raise ConfigError when that is wrong."""
    config = load(file)
    yield Area(_("Service of the edge"), list(services.service(UNIT)))
    if config.broker is not None:
        yield Area(_("Service of the broker"), list(services.service(BROKER_UNIT)))
    user, _groups = services.user_of(UNIT)
    yield Area(_("Disk of the edge"), list(machine.disk(config.spool.path, config.spool.min_free, user)))
    yield Area(_("Clock"), list(machine.clock()))
    yield Area(_("Way to the broker"), list(_broker(config)))
    yield from _answers(config, token)
    yield Area(_("Certificates of the edge"), list(machine.certificates(files_of(config), time.time_ns())))


def _broker(config: EdgeConfig) -> Iterator[Symptom]:
    state = services.broker_state(UNIT)
    if config.mqtt is not None and state not in ("", "open"):
        yield of("broker-away", f"{config.mqtt.host}:{config.mqtt.port}", detail=state)


def _answers(config: EdgeConfig, token: str) -> Iterator[Area]:
    """Ask the running edge; while none runs, look at least whether its upstreams answer."""
    name, way = _("Answers of the edge"), _("Way upward")
    scheme = "https" if config.http.cert_file else "http"
    url = f"{scheme}://127.0.0.1:{config.http.port}"
    # This machine itself is asked: whose certificate it shows is the browser's question.
    with urllib3.PoolManager(cert_reqs=ssl.CERT_NONE, retries=False, timeout=_ANSWER_S) as pool:
        try:
            health = pool.request("GET", f"{url}/health")
        except urllib3.exceptions.HTTPError as error:
            yield Area(name, [of("edge-silent", url, detail=str(error))])
            yield Area(way, [each for upstream in config.upstreams for each in _reach(upstream)])
            return
        unready = [of("edge-unready", url, detail=_message(health.data))] if health.status != 200 else []
        relay = pool.request(
            "GET", f"{url}/v1/relay", headers={"Authorization": f"Token {token}"} if token else {}
        )
    if relay.status != 200:
        yield Area(name, [*unready, of("edge-closed", url)])
        return
    yield Area(name, unready)
    yield Area(way, list(_relays(json.loads(relay.data))))


def _relays(facts: dict[str, Any]) -> Iterator[Symptom]:
    for each in facts["upstreams"]:
        if each["state"] in ("retrying", "holding"):
            code = "upstream-away" if each["state"] == "retrying" else "upstream-refuses"
            yield of(code, each["name"], detail=each["last_error"] or each["state"])


def _reach(upstream: Upstream) -> Iterator[Symptom]:
    """Say whether an upstream can be reached; whether it takes our token only a write would show."""
    try:
        if not any(map(services.taken_back, (upstream.token_file, upstream.password_file))):
            upstream.secret()
        context = upstream_context(upstream)
    except ConfigError as error:
        yield of("secret-wrong", upstream.name, detail=str(error))
        return
    with urllib3.PoolManager(ssl_context=context, retries=False, timeout=_ANSWER_S) as pool:
        try:
            pool.request("GET", upstream.url.rstrip("/") + "/ping")
        except urllib3.exceptions.HTTPError as error:
            yield of("upstream-away", upstream.name, detail=str(error))


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace")[:200]
