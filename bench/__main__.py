"""Because "fast" means "faster than what": the same work for us and for our peers, in turn, side by side."""

import argparse
import fcntl
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import report
from bench.contenders import Contender
from bench.feed import show
from bench.poster import LOADS
from bench.rig import Figures
from bench.works import Work, works
from tests.parts.process import MissingPartError, find_program


def measure(group: Sequence[Work], turns: int, limit_s: float) -> list[dict[str, Any]]:
    """Let works and their contenders take turns; after the first, none begins that would end too late.

    Too late is after `limit_s` a work. One that mostly waits is measured once, all contenders together.
    """
    taken: dict[str, dict[type[Contender], list[Figures]]] = {
        work.name: {kind: [] for kind in work.contenders} for work in group
    }
    busy, began, done = os.getloadavg()[0], time.monotonic(), 0
    for turn in range(1 if group[0].beside else turns):
        past_s = time.monotonic() - began
        if turn and past_s * (turn + 1) / turn > limit_s * len(group):
            break
        done = turn + 1
        for work in group:
            print(f"{datetime.now(UTC):%H:%M:%S} {work.title}", flush=True)
            kinds = list(work.contenders)
            with ThreadPoolExecutor(len(kinds) if work.beside else 1) as pool:
                for kind, figures in zip(kinds, pool.map(partial(_round, work, done), kinds), strict=True):
                    taken[work.name][kind] += figures
    load = [round(busy, 1), round(os.getloadavg()[0], 1)]
    return [_result(work, done, load, taken[work.name]) for work in group]


def _result(
    work: Work, rounds: int, load: list[float], taken: dict[type[Contender], list[Figures]]
) -> dict[str, Any]:
    return {
        "name": work.name,
        "title": work.title,
        "rounds": rounds,
        "together": work.beside and len(work.contenders) > 1,
        "load": load,
        "contenders": [
            {
                "name": kind.name,
                "custody": kind.custody,
                "load": work.contenders[kind],
                "figures": {key: _spread([one[key] for one in all_of]) for key in all_of[0]},
            }
            for kind, all_of in taken.items()
            if all_of
        ],
    }


def _round(work: Work, turn: int, kind: type[Contender]) -> list[Figures]:
    """One round of one contender; none when it failed, which costs the others nothing."""
    try:
        find_program(kind.program)
        figures = work.round(kind, **work.contenders[kind])
    except MissingPartError as error:
        print(f"  {kind.name}: left out: {error}", file=sys.stderr, flush=True)
        return []
    except Exception:  # noqa: BLE001 - whatever goes wrong in one round, the others are worth having
        print(f"  {kind.name}: this round failed:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
        return []
    shown = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
    print(f"  {turn}. {kind.name}: {shown}", flush=True)
    return [figures]


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


def keep(out: Path, results: dict[str, Any], measured: dict[str, Any]) -> None:
    """Put one workload into the file of results, which another run may be writing too."""
    with out.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        others = json.loads(out.read_text())["workloads"] if out.exists() else []
        results["workloads"] = [*(each for each in others if each["name"] != measured["name"]), measured]
        out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def plan(chosen: list[Work], turns: int, limit_s: float) -> str:
    """Say what a run will take, as far as the page's machine tells."""
    beside = max((work.takes_s for work in chosen if work.beside), default=0.0)
    rounds = [
        work.takes_s * max(1, min(turns, int(limit_s // work.takes_s))) for work in chosen if not work.beside
    ]
    return f"{len(chosen)} workloads: about {(sum(rounds) + beside) / 60:.0f} minutes"


def main() -> None:
    """Run what is asked for; keep the results as JSON, and with `--page` in docs/performance.md."""
    ask = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    ask.add_argument("works", nargs="*", help="names of workloads, or beginnings of them; without any: all")
    ask.add_argument(
        "--beside", action="store_true", help="those that mostly wait: idle, card, one card, soak"
    )
    ask.add_argument("--rounds", type=int, default=3, help="turns of each contender")
    ask.add_argument("--scale", type=float, default=0.3, help="1 is what the page shows, and takes longer")
    ask.add_argument("--limit", type=float, default=3.0, help="minutes in which a workload may begin turns")
    ask.add_argument(
        "--minutes", type=float, default=2, help="how long `soak` takes; idle and cards, at most 10"
    )
    ask.add_argument("--out", type=Path, default=Path("bench-results.json"), help="where the results go")
    ask.add_argument("--add", action="store_true", help="keep what the file holds of other workloads")
    ask.add_argument("--page", action="store_true", help="write docs/performance.md anew, of all in the file")
    ask.add_argument(
        "--bodies", action="store_true", help="only how fast bodies of the feed are written and read"
    )
    it = ask.parse_args()
    if it.bodies:
        show()
        return
    results = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": _machine(),
        "versions": _versions(),
    }
    if not it.add:
        it.out.unlink(missing_ok=True)
    chosen = [
        work
        for work in works(it.scale, it.minutes)
        if (any(work.name.startswith(name) for name in it.works) if it.works else work.beside == it.beside)
    ]
    print(plan(chosen, it.rounds, it.limit * 60), flush=True)
    with TemporaryDirectory(prefix="commune-loads-") as loads:
        os.environ[LOADS] = loads

        def run(*group: Work) -> None:
            for measured in measure(group, it.rounds, it.limit * 60):
                keep(it.out, results, {**measured, "scale": it.scale})

        waiting = [work for work in chosen if work.beside]
        with ThreadPoolExecutor(max(len(waiting), 1)) as pool:
            beside = [pool.submit(run, work) for work in waiting]
            for _, group in groupby(chosen, key=lambda work: work.in_turn or work.name):
                its = [work for work in group if not work.beside]
                if its:
                    run(*its)
            for each in beside:
                each.result()
    if it.page:
        report.PAGE.with_suffix(".json").write_text(it.out.read_text())
        report.write(json.loads(it.out.read_text()))


if __name__ == "__main__":
    main()
