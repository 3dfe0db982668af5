"""`commune node calibrate`: leads a technician through a calibration, or takes its points from a script."""

import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
import msgspec

from sensors.calibration.record import KINDS, Kind, Point
from sensors.figures import UNITS, short
from sensors.text import said

if TYPE_CHECKING:
    from gateway.config import NodeConfig
    from gateway.feed.desk import Act, Answer, Ask, Calibrated, Lang, Stepped
    from sensors.io import IO
    from sensors.text import Translate

EVERY_S = 1.0
WIDEST = 100
CLEAR = "\x1b[K"


def _(text: str) -> str:
    return text


class Way(NamedTuple):
    """How to ask whoever has the hardware, and how to wait between two questions."""

    ask: "Callable[[Ask], Iterator[Answer]]"
    sleep: Callable[[float], None]


@click.command()
@click.argument("target", required=False)
@click.option("--config", "file", type=click.Path(path_type=Path), default=Path("/etc/commune/node.toml"))
@click.option("--kind", type=click.Choice(KINDS), help="Instead of what fits the metric.")
@click.option("--by", default="", help="Who calibrates.")
@click.option("--note", default="", help="Such as the buffers' lot.")
@click.option("--point", "points", multiple=True, help="OWN=TRUE, measured already; asks nothing then.")
@click.option("--list", "listing", is_flag=True, help="Print the history, of TARGET or of all.")
@click.option("--wait", default=300.0, show_default=True, help="Seconds until a reading must be steady.")
@click.option("--json", "as_json", is_flag=True, help="Print the records as JSON.")
@click.option(
    "--lang", type=click.Choice(["vi", "en"]), default="vi", envvar="COMMUNE_LANG", show_default=True
)
def calibrate(
    target: str | None, file: Path, kind: Kind | None, by: str, note: str, points: tuple[str, ...],
    wait: float, lang: "Lang", *, listing: bool, as_json: bool,
) -> None:  # fmt: skip
    """Calibrate an asset or a device step by step; exit code 1 when the points cannot be right.

    Without TARGET it prints what can be calibrated.
    """
    from gateway.cli import configuration
    from gateway.config_check import load
    from sensors.io.pi import PiIO

    with configuration(lang):
        config = load(file)
        if listing:
            show_history(config, target, lang, as_json=as_json)
            return
        measured = bool(points) or kind == "factory" or not target
        with reached(config, lambda: PiIO(config.spool.path.parent), hardware=not measured) as way:
            run(way, target or "", kind=kind, by=by, note=note, points=points, wait=wait, lang=lang,
                as_json=as_json)  # fmt: skip


@contextmanager
def reached(config: "NodeConfig", io: "Callable[[], IO]", *, hardware: bool = True) -> Iterator[Way]:
    """Ask a running node at its desk; when none runs, open the hardware here, where it is needed."""
    from gateway.check.source import desk, opened
    from gateway.desk import ask
    from gateway.runner import Runner
    from gateway.underway import Underway

    path = desk(config)
    if path is not None:
        yield Way(lambda question: ask(path, question), time.sleep)
        return
    lines = io()
    if not hardware:
        runner = Runner(config, lines, lambda _reading: None)
        yield Way(Underway(config, runner, lines.clock).asked, lines.clock.sleep)
        return
    with opened(config, lines) as runner:
        yield Way(Underway(config, runner, lines.clock).asked, lines.clock.sleep)


def run(
    way: Way, target: str, *, kind: Kind | None, by: str, note: str, points: tuple[str, ...],
    wait: float, lang: "Lang", as_json: bool,
) -> None:  # fmt: skip
    """Do one calibration; raise ConfigError, or end with exit code 1 when nothing was kept."""
    from gateway.feed.desk import Ask
    from sensors.text import translator

    say = translator(lang)
    given = tuple(_point(each) for each in points)
    if not target:
        show_targets(way, lang, as_json=as_json)
        return
    who = by or click.prompt(_folded(say(_("Who calibrates?"))), prompt_suffix=" ", err=True)
    start = Ask(
        "calibrate", lang=lang, who=who, act="start", target=target, kind=kind, note=note, points=given
    )
    try:
        stands = _stands(way, start)
        led = Led(way, msgspec.structs.replace(start, target=stands.of, points=()), say, wait)
        made = led.finish() if given or not stands.count else led.lead(stands)
    except NotDone as refused:
        click.echo(_folded(str(refused)), err=True)
        raise SystemExit(1) from refused
    for record in made:
        line = f"✓ {record.of}: {record.text}"
        click.echo(msgspec.json.encode(record).decode() if as_json else _folded(line))
    if not as_json:
        click.echo(_folded(say(_("Kept. It holds from the next reading on."))))


class NotDone(Exception):  # noqa: N818 - reads as the sentence it is
    """Nothing is kept, and why: for people, in their language."""


@dataclass
class Led:
    """One person led through one calibration at a terminal."""

    way: Way
    ask: "Ask"
    say: "Translate"
    wait_s: float

    def lead(self, stands: "Stepped") -> "list[Calibrated]":
        """Go through all steps; raise NotDone, or Abort when the person leaves: nothing is kept then."""
        try:
            click.echo(_folded(self.say(_("b and Enter: one step back. Ctrl-C: give up."))), err=True)
            while True:
                if stands.refused:
                    self._refused(stands.refused)
                stands = self._step(stands)
                if stands.wants == "finish" and not stands.refused:
                    shown = "\n".join(_folded(f"{each.of}: {each.text}") for each in stands.made)
                    click.echo(shown, err=True)
                    if not self._back(stands.sentence):
                        return self.finish()
                    stands = self._do("back")
        except BaseException:
            with suppress(NotDone, OSError):
                _answers(self.way, msgspec.structs.replace(self.ask, act="cancel"))
            raise

    def finish(self) -> "list[Calibrated]":
        """Keep what was made."""
        from gateway.feed.desk import Calibrated

        answers = _answers(self.way, msgspec.structs.replace(self.ask, act="finish"))
        return [each for each in answers if isinstance(each, Calibrated)]

    def _refused(self, why: str) -> None:
        """Say it to a person who is there, who may try again; a script is over."""
        if not sys.stdin.isatty():
            raise NotDone(why)
        click.secho(_folded(why), fg="red", err=True)

    def _step(self, stands: "Stepped") -> "Stepped":
        head = f"{stands.number}/{stands.count} {stands.sentence}"
        if stands.wants == "number":
            number = self._number(head, stands)
            if number is None:
                return self._do("back")
            try:
                return self._point(stands, number)
            except NotDone as refused:  # the step stays: what was poured or hung on is not lost
                self._refused(str(refused))
                return stands
        if self._back(head):
            return self._do("back")
        if stands.wants == "measure":
            return self._measured(stands)
        return stands

    def _measured(self, stands: "Stepped") -> "Stepped":
        """Read and show until the readings agree, or for as long as it may take."""
        for _second in range(max(1, round(self.wait_s / EVERY_S))):
            now = self._do("measure")
            mark = click.style("✓", fg="green") if now.steady else f"{now.seen}/{now.needed}"
            click.echo(f"\r{CLEAR}{now.text}  {mark}", err=True, nl=False)
            if now.steady:
                break
            self.way.sleep(EVERY_S)
        click.echo(err=True)
        return self._point(stands)

    def _point(self, stands: "Stepped", number: float | None = None) -> "Stepped":
        ask = msgspec.structs.replace(self.ask, act="point", step=stands.number, number=number)
        return _stands(self.way, ask)

    def _do(self, act: "Act") -> "Stepped":
        return _stands(self.way, msgspec.structs.replace(self.ask, act=act))

    def _back(self, text: str) -> bool:
        """Wait for Enter; return whether b was typed before it."""
        text = f"{text} [Enter]"
        return (
            str(click.prompt(_folded(text), default="", show_default=False, prompt_suffix=" ", err=True))
            == "b"
        )

    def _number(self, text: str, stands: "Stepped") -> float | None:
        """Ask for a number, written with a comma or a point; None for one step back."""
        unit = UNITS.get(stands.unit, stands.unit)
        usual = None if stands.usual is None else short(stands.usual, self.ask.lang)
        while True:
            said = click.prompt(_folded(f"{text} ({unit})" if unit else text), default=usual, err=True)
            if said.strip() == "b":
                return None
            with suppress(ValueError):
                return float(said.strip().replace(",", "."))
            click.echo(_folded(self.say(_("A number is needed here."))), err=True)


def show_targets(way: Way, lang: "Lang", *, as_json: bool) -> None:
    """Print what can be calibrated, and when it was the last time."""
    from gateway.feed.desk import Ask, Target
    from sensors.text import translator

    never = translator(lang)(_("never calibrated"))
    for each in _answers(way, Ask("targets", lang=lang)):
        if isinstance(each, Target):
            last = f"{each.at[:10]} {each.by}" if each.at else never
            line = f"{each.of}: {each.name} ({each.kind}), {last}"
            click.echo(msgspec.json.encode(each).decode() if as_json else _folded(line))


def show_history(config: "NodeConfig", target: str | None, lang: "Lang", *, as_json: bool) -> None:
    """Print the records, of one target or of all, in the order in which they were made."""
    from gateway.underway import calibrated
    from sensors.calibration import Calibrations

    for record in Calibrations(config.calibrations).records:
        if target and record.of != target and not record.of.startswith(f"{target}."):
            continue
        each = calibrated(record, lang)
        if as_json:
            click.echo(msgspec.json.encode(record).decode())
        else:
            parts = (record.at[:16], record.of, record.kind, record.by, each.text, record.note)
            click.echo("  ".join(part for part in parts if part))


def _answers(way: Way, ask: "Ask") -> "list[Answer]":
    """Ask; raise ConfigError when the question is wrong, NotDone when it is refused."""
    from gateway.feed.desk import Refused
    from sensors.errors import ConfigError

    found = list(way.ask(ask))
    last = found[-1]
    if isinstance(last, Refused):
        raise ConfigError(last.error) if last.wrong else NotDone(last.error)
    return found


def _stands(way: Way, ask: "Ask") -> "Stepped":
    from gateway.feed.desk import Stepped

    (stands,) = [each for each in _answers(way, ask) if isinstance(each, Stepped)]
    if stands.refused and (ask.points or not stands.count):
        raise NotDone(stands.refused)
    return stands


def _folded(text: str) -> str:
    """Fold to the terminal's width, as narrow as a phone's."""
    width = min(shutil.get_terminal_size().columns, WIDEST) - 1
    return textwrap.fill(text, max(20, width), break_long_words=False, break_on_hyphens=False)


def _point(text: str) -> Point:
    from sensors.errors import ConfigError

    own, _sign, true = text.partition("=")
    try:
        return float(own.replace(",", ".")), float(true.replace(",", "."))
    except ValueError:
        raise ConfigError(
            said("--point {text!r}: write what the device said and what was true: 6.93=7.00", text=text)
        ) from None
