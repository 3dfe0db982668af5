"""How fast the page's overview of 300 assets answers while readings come in: nobody waits for the feed."""

import http.client
import itertools
import re
import time

from bench.contenders import Contender
from bench.load import COMMUNES, message
from bench.rig import Figures, Helper, round_of, spent, used
from bench.writer import connect, packet
from gateway.feed import Meta, encode
from gateway.feed.bodies import Location
from tests.parts.wait import until

ASSETS = 300
_AIM_MS, _AIM_BYTES = 200.0, 200_000
_PAUSE_S = 0.05  # between two pages: twenty people at once look at no more
_ADDRESSES = (
    "/?commune={}&lang=vi",
    "/?commune={}&lang=en",
    "/?commune={}&page=5",
    "/?commune={}&show=doubt",
    "/?commune={}&view=map",
)
_SLACK_S = 60.0


def overview(kind: type[Contender], *, count: int, rate: float) -> Figures:
    """Readings by MQTT at a steady rate, and the overview asked for again and again meanwhile."""
    with round_of(kind, feed=True) as (rig, contender, _):
        assert rig.broker is not None
        _introduce(rig.broker.port)
        helper = Helper("writer", port=rig.broker.port, count=count, rate=rate)
        helper.ready()
        before = used(contender)
        helper.go()
        began = time.monotonic()
        line = http.client.HTTPConnection("127.0.0.1", contender.port, timeout=_SLACK_S)
        until(lambda: _shown(line) >= ASSETS, within_s=_SLACK_S, what="all assets on the page")
        took, sizes = [], []
        for address in itertools.cycle(_ADDRESSES):
            if time.monotonic() - began > count / rate:
                break
            asked = time.monotonic()
            body = _page(line, address)
            took.append(time.monotonic() - asked)
            sizes.append(len(body))
            time.sleep(_PAUSE_S)
        helper.facts()
        rig.arrived(count)
        figures = spent(before, used(contender), count)
        took.sort()
        p95_ms = took[len(took) * 95 // 100] * 1e3
        for what, figure, aim in (("p95 ms", p95_ms, _AIM_MS), ("bytes", max(sizes), _AIM_BYTES)):
            print(f"  overview, {len(took)} pages: {what} {figure:,.0f}; the aim is {aim:,.0f}", flush=True)
        return {
            "page_p50_ms": took[len(took) // 2] * 1e3,
            "page_p95_ms": p95_ms,
            "page_bytes": float(max(sizes)),
            "lost": count - rig.stored(),
            **figures,
        }


def _introduce(port: int) -> None:
    """Say what each asset is called, as a node does when it starts."""
    wire = connect(port, "names")
    for n in range(ASSETS):
        topic, _body = message(n, assets=ASSETS)
        asset = topic.split("/")[5]
        meta = Meta(
            v=1,
            type="WasteContainer",
            id=asset,
            name=f"Điểm đo số {n} thôn Trung Tiến",
            gw=f"gw-{COMMUNES[0]}",
            interval=60,
            staleAfter=180,
            location=Location(lat=18.34 + n % 20 / 500, lon=105.9 + n // 20 / 500),
            limits={"fillingLevel": [0.0, 0.9]},
        )
        wire.sendall(packet(topic.replace("/telemetry", "/meta"), encode(meta), n + 1))
        wire.recv(4)
    wire.close()


def _page(line: http.client.HTTPConnection, address: str) -> bytes:
    line.request("GET", address.format(COMMUNES[0]))
    answer = line.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{address}: {answer.status}")
    return body


def _shown(line: http.client.HTTPConnection) -> int:
    found = re.search(rb"<b>(\d+)</b>", _page(line, _ADDRESSES[0]))
    return int(found[1]) if found else 0
