"""What is measured: the workloads of the bench, who takes part in each, and how much of it at what scale."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from bench import away, cards, demo, pages, rounds, soak, starts
from bench.contenders import Commune, Contender, NodeRed, Plain, VmAgent
from bench.keepers import EdgeKeeper, PlainKeeper, Rabbit, ThingsBoard
from bench.rig import Figures

SERIES = ((1, 1), (10, 1), (300, 1), (14_490, 69), (100_050, 69))
"""Assets in all, and over how many communes."""
_READINGS, _READINGS_OF_MOST = 1_060_000, 1_700_000
"""Nearly all go to history's file in the round: when 150,000 wait, or 15 of each series that is known."""

Loads = dict[type[Contender], dict[str, Any]]

_SLOW_MINUTES = 10.0  # of waiting, at most: idling and the card


class Work(NamedTuple):
    """One workload: its name, a sentence, one round of it, and who takes part with how much of the work."""

    name: str
    title: str
    round: Callable[..., Figures]
    contenders: Loads
    takes_s: float
    """About how long a round of all contenders takes at scale 1, on the machine of the page."""
    beside: bool = False
    """Whether it mostly waits: then it is measured beside the others (`--beside`), all contenders at once."""
    in_turn: str = ""
    """Works of one such name take turns: a machine is not as fast now as then, and these are compared."""


def works(scale: float, minutes: float) -> list[Work]:
    """Return the workloads; at scale 1 they are those that the page shows. Some take `minutes` each."""
    return [*_by_mqtt(scale), *_by_http(scale), *_others(scale), *_beside(minutes)]


def _n(scale: float, count: int) -> int:
    return max(int(count * scale), 300)


def _by_mqtt(scale: float) -> list[Work]:
    n = partial(_n, scale)
    slow = {"count": n(5_000)}  # who is slow gets less of the same
    fast: Loads = {Commune: {"count": n(120_000)}, NodeRed: {"count": n(120_000)}}
    kept: Loads = {
        **{kind: {"count": n(60_000)} for kind in (EdgeKeeper, Rabbit)},
        ThingsBoard: {"count": n(20_000)},
        PlainKeeper: slow,
    }
    steady: Loads = {kind: {"count": n(20_700)} for kind in (Commune, NodeRed)}
    return [
        Work(
            "one a message", "MQTT, one reading a message, as fast as it goes", rounds.feed,
            {**fast, Plain: slow}, 55,
        ),
        Work(
            "20 back to back", "MQTT, 20 readings of an asset back to back", partial(rounds.feed, run=20),
            {**fast, Plain: slow}, 55,
        ),
        Work(
            "345 a second",
            "MQTT, 69 communes x 300 assets a minute: 345 readings a second; publish to the upstream's 204",
            partial(rounds.paced, rate=345.0, communes=69), steady, 150,
        ),
        Work(
            "InfluxDB 1", "MQTT, one reading a message, into InfluxDB 1.6.7",
            partial(rounds.feed, database="influx"), {Commune: {"count": n(60_000)}}, 15,
        ),
        Work("away", "MQTT, into the store while nobody takes out of it", away.away, kept, 110),
        Work(
            "SIGKILL, away",
            "MQTT, nobody takes out; SIGKILL when the publisher has all acknowledgements, then a new start",
            partial(away.away, kill=True), kept, 120,
        ),
        Work(
            "SIGKILL, MQTT", "MQTT, SIGKILL half a second in, then a new start", rounds.killed,
            {Commune: {"count": n(60_000)}, NodeRed: {"count": n(60_000)}, Plain: slow}, 60,
        ),
    ]  # fmt: skip


def _by_http(scale: float) -> list[Work]:
    n = partial(_n, scale)
    many: Loads = {kind: {"count": n(780_000)} for kind in (Commune, VmAgent)}
    steady: Loads = {kind: {"count": n(20_700)} for kind in (Commune, VmAgent)}
    week: Loads = {kind: {"count": n(3_000_000), "steps": 6} for kind in (Commune, VmAgent)}
    return [
        Work(
            "HTTP", "HTTP, ready lines of 69 communes x 300 assets, 300 a request, as fast as they are taken",
            rounds.post, many, 45,
        ),
        Work(
            "steady HTTP",
            "HTTP, 69 communes x 300 assets a minute: a body of 300 readings from each commune once a minute",
            partial(rounds.post, rate=345.0), steady, 150,
        ),
        Work(
            "backlog", "HTTP, a backlog of a week grows in six steps, waits, and is drained", rounds.drain,
            week, 300,
        ),
        Work(
            "SIGKILL, HTTP",
            "HTTP, SIGKILL when all has been answered with 204 and the upstream is away", rounds.killed_http,
            {kind: {"count": n(100_000)} for kind in (Commune, VmAgent)}, 30,
        ),
        *(
            Work(
                f"{total:,} series", f"HTTP, {total:,} series",
                partial(rounds.post, assets=total // communes, communes=communes),
                {Commune: {"count": n(_READINGS_OF_MOST if total > 100_000 else _READINGS)}}, 25,
                in_turn="series",
            )
            for total, communes in SERIES
        ),
    ]  # fmt: skip


def _others(scale: float) -> list[Work]:
    return [
        Work(
            "demo", "The demo commune waits for its upstream: bytes a reading on its disk, then on the wire",
            demo.demo, {Commune: {"days": max(7 * scale, 0.1)}}, 240,
        ),
        Work(
            "overview", "The page's overview of 300 assets while 100 readings a second come in",
            partial(pages.overview, rate=100.0), {Commune: {"count": _n(scale, 6_000)}}, 70,
        ),
        Work(
            "start", "From the start of the process to the first reading upstream", starts.starting,
            {Commune: {}, NodeRed: {}, Plain: {}}, 20,
        ),
        Work(
            "a node's start", "A node, from the start of its process to its first reading at the broker",
            starts.node_starting, {Commune: {}}, 10,
        ),
    ]  # fmt: skip


def _beside(minutes: float) -> list[Work]:
    waits = min(minutes, _SLOW_MINUTES)
    return [
        Work(
            "idle", f"Idle for {waits:g} minutes, with a broker",
            partial(rounds.idle, seconds=waits * 60, fed=True),
            {Commune: {}, NodeRed: {}, Plain: {}}, waits * 60, beside=True,
        ),
        Work(
            "a node idle", f"A node that reads nothing for {waits:g} minutes",
            partial(cards.idle_node, seconds=waits * 60), {Commune: {}}, waits * 60, beside=True,
        ),
        Work(
            "card", "MQTT, 100 assets, each once a minute: what an edge writes to a card",
            partial(cards.card, assets=100), {Commune: {"count": max(int(100 * waits), 10)}}, waits * 60,
            beside=True,
        ),
        Work(
            "one card", "A node that reads 100 assets once a minute, and its edge, on one card", cards.both,
            {Commune: {"minutes": waits, "assets": 100}}, waits * 60, beside=True,
        ),
        Work(
            "soak", "A whole commune for long, 300 readings a minute: what is in memory", soak.soak,
            {Commune: {"minutes": minutes}}, minutes * 60, beside=True,
        ),
    ]  # fmt: skip
