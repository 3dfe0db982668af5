"""Because "fast" means "faster than what": the same work for us and for our peers, in turn, side by side."""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from bench import away, pages, report, rounds, soak, starts
from bench.contenders import Commune, Contender, NodeRed, Plain, Sparing, VmAgent
from bench.feed import show
from bench.keepers import EdgeKeeper, PlainKeeper, Rabbit, ThingsBoard
from bench.rig import Figures
from tests.parts.process import MissingPartError, find_program

Round = Callable[[type[Contender]], Figures]


class Work(NamedTuple):
    """One workload: its name, a sentence, one round of it, and who takes part with how much of the work."""

    name: str
    title: str
    round: Callable[..., Figures]
    contenders: dict[type[Contender], dict[str, Any]]


def works(scale: float, minutes: float) -> list[Work]:
    """Return the workloads; at scale 1 they are those that the page shows. Two take `minutes` each."""

    def n(count: int) -> int:
        return max(int(count * scale), 300)

    slow = {"count": n(5_000)}  # who is slow gets less of the same
    by_mqtt = {Commune: {"count": n(60_000)}, NodeRed: {"count": n(60_000)}, Plain: slow}
    by_http = {Commune: {"count": n(600_000)}, VmAgent: {"count": n(600_000)}}
    backlog = {Commune: {"count": n(1_000_000)}, VmAgent: {"count": n(1_000_000)}}
    kept: dict[type[Contender], dict[str, Any]] = {
        **{kind: {"count": n(60_000)} for kind in (EdgeKeeper, Rabbit)},
        ThingsBoard: {"count": n(20_000)},
        PlainKeeper: slow,
    }
    series = [(1, 1), (10, 1), (300, 1), (14_490, 69), (100_050, 69)]
    return [
        Work("one a message", "MQTT, one reading a message, as fast as it goes", rounds.feed, by_mqtt),
        Work(
            "20 back to back",
            "MQTT, 20 readings of an asset back to back",
            partial(rounds.feed, run=20),
            by_mqtt,
        ),
        Work(
            "345 a second",
            "MQTT, 69 communes x 300 assets a minute: 345 readings a second; publish to the upstream's 204",
            partial(rounds.paced, rate=345.0),
            {Commune: {"count": n(6_900)}, NodeRed: {"count": n(6_900)}},
        ),
        Work(
            "InfluxDB 1",
            "MQTT, one reading a message, into InfluxDB 1.6.7",
            partial(rounds.feed, database="influx"),
            {Commune: {"count": n(60_000)}},
        ),
        Work("away", "MQTT, into the store while nobody takes out of it", away.away, kept),
        Work(
            "SIGKILL, away",
            "MQTT, nobody takes out; SIGKILL when the publisher has all acknowledgements, then a new start",
            partial(away.away, kill=True),
            kept,
        ),
        Work("HTTP", "HTTP, ready lines of 69 communes x 300 assets, 300 a request", rounds.post, by_http),
        Work("backlog", "HTTP, a backlog grows and is drained", rounds.drain, backlog),
        Work(
            "SIGKILL, MQTT",
            "MQTT, SIGKILL half a second in, then a new start",
            rounds.killed,
            {Commune: {"count": n(60_000)}, NodeRed: {"count": n(60_000)}, Plain: slow},
        ),
        Work(
            "SIGKILL, HTTP",
            "HTTP, SIGKILL when all has been answered with 204 and the upstream is away",
            rounds.killed_http,
            {Commune: {"count": n(100_000)}, VmAgent: {"count": n(100_000)}},
        ),
        *(
            Work(
                f"{total:,} series",
                f"HTTP, {total:,} series",
                partial(rounds.post, assets=total // communes, communes=communes),
                {Commune: {"count": n(300_000)}},
            )
            for total, communes in series
        ),
        Work(
            "overview",
            "The page's overview of 300 assets while 100 readings a second come in",
            partial(pages.overview, rate=100.0),
            {Commune: {"count": n(6_000)}},
        ),
        Work(
            "card",
            "MQTT, 100 assets, each once a minute: what is written",
            partial(rounds.card, assets=100),
            {kind: {"count": max(int(100 * minutes), 10)} for kind in (Commune, Sparing)},
        ),
        Work(
            "soak",
            "A whole commune for long, 300 readings a minute: what is in memory",
            soak.soak,
            {Commune: {"minutes": minutes}},
        ),
        Work(
            "start",
            "From the start of the process to the first reading upstream",
            starts.starting,
            {Commune: {}, NodeRed: {}, Plain: {}},
        ),
        Work(
            "a node's start",
            "A node, from the start of its process to its first reading at the broker",
            starts.node_starting,
            {Commune: {}},
        ),
        Work(
            "idle",
            "Idle, with a broker",
            partial(rounds.idle, seconds=max(600 * scale, 20) if scale > 1 else 30, fed=True),
            {Commune: {}, NodeRed: {}, Plain: {}},
        ),
    ]


def measure(work: Work, turns: int, limit_s: float) -> dict[str, Any]:
    """Let the contenders take turns; after the first, no turn begins that would end after `limit_s`."""
    taken: dict[type[Contender], list[Figures]] = {}
    busy, began, done = os.getloadavg()[0], time.monotonic(), 0
    for turn in range(turns):
        past_s = time.monotonic() - began
        if turn and past_s * (turn + 1) / turn > limit_s:
            break
        done = turn + 1
        for kind, load in work.contenders.items():
            try:
                find_program(kind.program)
                figures = work.round(kind, **load)
            except MissingPartError as error:
                print(f"  {kind.name}: left out: {error}", file=sys.stderr)
                continue
            except (OSError, RuntimeError) as error:
                print(f"  {kind.name}: this round failed: {error}", file=sys.stderr)
                continue
            shown = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
            print(f"  {turn + 1}. {kind.name}: {shown}", flush=True)
            taken.setdefault(kind, []).append(figures)
    return {
        "name": work.name,
        "title": work.title,
        "rounds": done,
        "load": round(busy, 1),
        "contenders": [
            {
                "name": kind.name,
                "custody": kind.custody,
                "load": work.contenders[kind],
                "figures": {key: _spread([one[key] for one in all_of]) for key in all_of[0]},
            }
            for kind, all_of in taken.items()
        ],
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def _versions() -> dict[str, str]:
    """Return the versions of all that takes part."""
    found = {"Python": platform.python_version(), "paho-mqtt": version("paho-mqtt")}
    for name, command in {
        "Mosquitto": ["mosquitto", "-h"],
        "VictoriaMetrics and vmagent": ["victoria-metrics", "-version"],
        "InfluxDB": ["influxd", "version"],
        "node": ["node", "--version"],
    }.items():
        try:
            said = subprocess.run(
                [find_program(command[0]), *command[1:]], capture_output=True, text=True, check=False
            )
        except MissingPartError:
            continue
        number = re.search(r"\d+\.\d+\.\d+", said.stdout + said.stderr)
        if number:
            found[name] = number[0]
    return found


def _machine() -> dict[str, Any]:
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "system": f"Linux {platform.release().split('-')[0]} {platform.machine()}",
    }


def main() -> None:
    """Run what is asked for; keep the results as JSON, and with `--page` in docs/performance.md."""
    ask = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    ask.add_argument("works", nargs="*", help="names of workloads, or beginnings of them; without any: all")
    ask.add_argument("--rounds", type=int, default=3, help="turns of each contender")
    ask.add_argument("--scale", type=float, default=0.3, help="1 is what the page shows, and takes longer")
    ask.add_argument("--limit", type=float, default=3.0, help="minutes in which a workload may begin turns")
    ask.add_argument("--minutes", type=float, default=2, help="how long the works `card` and `soak` take")
    ask.add_argument("--out", type=Path, default=Path("bench-results.json"), help="where the results go")
    ask.add_argument("--add", action="store_true", help="keep what the file holds of other workloads")
    ask.add_argument("--page", action="store_true", help="write docs/performance.md anew")
    ask.add_argument("--bodies", action="store_true", help="only how fast bodies are written and read")
    it = ask.parse_args()
    if it.bodies:
        show()
        return
    results: dict[str, Any] = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "load": round(os.getloadavg()[0], 1),
        "machine": _machine(),
        "versions": _versions(),
        "workloads": [],
    }
    if it.add and it.out.exists():
        results["workloads"] = json.loads(it.out.read_text())["workloads"]
    for work in works(it.scale, it.minutes):
        if it.works and not any(work.name.startswith(name) for name in it.works):
            continue
        print(work.title, flush=True)
        measured = measure(work, it.rounds, it.limit * 60)
        others = [other for other in results["workloads"] if other["name"] != work.name]
        results["workloads"] = [*others, measured]
        it.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    if it.page:
        (report.PAGE.parent / "performance.json").write_text(it.out.read_text())
        report.write(results)


if __name__ == "__main__":
    main()
