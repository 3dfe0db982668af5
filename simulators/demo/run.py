"""Runs the demo from its first line to its last: until its time is over, or until Ctrl-C."""

import signal
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.live import Live

from sensors.text import translator
from simulators.demo import show
from simulators.demo.brokers import broker
from simulators.demo.commune import Demo, running
from simulators.demo.database import Database
from simulators.demo.visitor import NAME, Visitor

_TICK_S = 0.5
_DRAIN_S = 60.0  # after the last reading: far more than the way takes, far less than a person waits


def run(
    *,
    for_s: float | None,
    speed: float,
    nodes: int,
    broker_kind: str,
    database: Database | None,
    as_json: bool,
    lang: str,
    seed: int,
) -> bool:
    """Run a demo; return whether every reading taken has arrived, once."""
    say = translator(lang)
    console = Console(stderr=as_json, highlight=False)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="commune-demo-")))
        address = stack.enter_context(broker(broker_kind, folder))
        visitor = None if as_json else Visitor(folder)  # a machine logs in nowhere
        demo = stack.enter_context(
            running(
                folder, address, database,
                nodes=nodes, speed=speed, for_s=for_s, seed=seed, visitor=visitor,
            )
        )  # fmt: skip
        for level, url in demo.pages.items():
            console.print(show.address(level, url, say))
        if visitor is not None:
            if for_s is None:
                visitor.refuse_one(demo.commune)
                visitor.raise_one(demo.commune)
            console.print(show.login(NAME, visitor.password, say))
        _watch(demo, stop, for_s, console, lang)
        demo.end()
        _drain(demo)
        found = show.facts(demo)
    console.print(show.summary(found, say, lang))
    if as_json:
        print(show.last_line(found), flush=True)  # noqa: T201 - the contract's last line on standard output
    return not found["missing"] and not found["duplicates"] and found["taken"] > 0


def _watch(demo: Demo, stop: threading.Event, for_s: float | None, console: Console, lang: str) -> None:
    end = None if for_s is None else time.monotonic() + for_s
    with Live(console=console, auto_refresh=False, transient=True) as screen:
        while not stop.wait(_TICK_S) and (end is None or time.monotonic() < end):
            if demo.failure is not None:
                raise demo.failure
            if console.is_terminal:
                screen.update(show.live(demo, translator(lang), lang), refresh=True)


def _drain(demo: Demo) -> None:
    deadline = time.monotonic() + _DRAIN_S
    pause = threading.Event()
    while not demo.drained() and time.monotonic() < deadline:
        pause.wait(0.05)
