"""The node's commands for the person in front of the wires."""

import json
import logging
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import CONFIG, WrongConfiguration, configuration, node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.check.checking import Source
    from gateway.config import NodeConfig
    from gateway.feed.desk import Answer

AGAIN_S = 2.0
HOME, REST = "\x1b[H", "\x1b[J"  # draw over the last look, then clear what is left of it

language = click.option(
    "--lang", type=click.Choice(["vi", "en"]), default="vi", envvar="COMMUNE_LANG", show_default=True
)


@node.command()
@click.argument("file", type=click.Path(path_type=Path), default=CONFIG)
@language
@click.option("--device", default="", help="Look at this device alone.")
@click.option("--watch", is_flag=True, help="Look again and again, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, as the desk does.")
@click.option(
    "--certificate", "paper", type=click.Path(path_type=Path), help="Save the result as FILE.html and .json."
)
@click.option("--who", default="", help="Who checks, for the certificate.")
def check(
    file: Path, lang: str, device: str, paper: Path | None, who: str, *, watch: bool, as_json: bool
) -> None:
    """Look at every device: what it reads and how good that is, or which wire is wrong.

    Exit code 0 when all is good, 1 when something is not, 2 when the configuration is wrong.
    """
    quiet()
    with configuration(lang):
        config = loaded(file, lang, as_json=as_json)
        with source(config) as looks:
            noted = looks if paper is None else kept(looks, config, paper, who)
            finish(noted, device, lang, watch=watch, as_json=as_json)


@node.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def certificate(file: Path) -> None:
    """Say whether a saved certificate (.json) is as it was made; exit code 1 when it is not."""
    from gateway.check.certificate import read

    try:
        found = read(file.read_bytes())
    except ValueError as error:
        raise click.ClickException(f"{file}: {error}") from error
    click.echo(f"{file}: {found.gw}, {found.at}, {found.who or '-'}: {found.verdict}")


def kept(looks: "Source", config: "NodeConfig", paper: Path, who: str) -> "Source":
    """Return a source of checks that saves each whole one as a certificate, before its last answer."""
    from gateway.check.certificate import certify, save
    from gateway.feed.desk import Checked, Done
    from sensors.calibration import Calibrations
    from sensors.io.clock import PiClock

    def looked(device: str, lang: str) -> "Iterator[Answer]":
        clock, found = PiClock(), []
        for answer in looks(device, lang):
            if isinstance(answer, Checked):
                found.append(answer)
            if isinstance(answer, Done):
                made = certify(
                    config,
                    found,
                    Calibrations(config.calibrations).records,
                    who=who,
                    wall_ns=clock.wall_ns(),
                    clock_set=clock.synchronised(),
                )
                for each in save(made, paper, lang):
                    click.echo(str(each), err=True)
            yield answer

    return looked


def quiet() -> None:
    """Say nothing of what the journal would: the check says it in words of its own. Before devices open."""
    logging.basicConfig(level=logging.CRITICAL)


def finish(looks: "Source", device: str, lang: str, *, watch: bool, as_json: bool) -> None:
    """Show a check, once or again and again, and exit by its worst quality."""
    quality = "good"
    try:
        while True:
            quality = shown(looks(device, lang), lang, as_json=as_json, over=watch and sys.stdout.isatty())
            if not watch:
                break
            time.sleep(AGAIN_S)
    except KeyboardInterrupt:
        click.echo()
    except OSError as error:
        raise click.ClickException(str(error)) from error
    raise SystemExit(0 if quality == "good" else 1)


def shown(answers: "Iterator[Answer]", lang: str, *, as_json: bool, over: bool = False) -> str:
    """Print the answers as they come; return the worst quality. `over` draws on the same place again."""
    import msgspec

    from gateway.check.show import drawn, fitting
    from gateway.feed.desk import Done, Refused

    quality = "good"

    def heard() -> "Iterator[Answer]":
        nonlocal quality
        for answer in answers:
            if isinstance(answer, Refused):
                raise WrongConfiguration(answer.error)
            if isinstance(answer, Done):
                quality = answer.quality
            if as_json:
                click.echo(msgspec.json.encode(answer))
            yield answer

    if as_json:
        for _answer in heard():
            pass
    elif over:
        page = "\n".join(fitting(heard(), lang))
        click.echo(f"{HOME}{page.replace(chr(10), f'{chr(27)}[K{chr(10)}')}\n{REST}", nl=False)
    else:
        for line in drawn(heard(), lang):
            click.echo(line)
    return quality


def loaded(file: Path, lang: str, *, as_json: bool) -> "NodeConfig":
    """Read the configuration; say which lines two devices claim before anything else, and exit with 2."""
    from gateway import config, config_check
    from gateway.check.look import Place, wiring_conflicts
    from gateway.check.show import folded
    from gateway.check.words import told
    from sensors import settings
    from sensors.errors import ConfigError

    found = settings.load(file, config.NodeConfig)
    problems = config_check.check(found)
    if not problems:
        return found
    places = []
    for each in found.devices:
        try:
            places.append(Place.of(each))
        except ConfigError:
            continue  # it is among the problems
    conflicts = [told(each, lang) for each in wiring_conflicts(places)]
    if as_json:
        told_as = [{"code": each.code, "wrong": each.wrong, "look": each.look} for each in conflicts]
        click.echo(json.dumps({"is": "refused", "problems": problems, "told": told_as}, ensure_ascii=False))
        raise SystemExit(WrongConfiguration.exit_code)
    for conflict in conflicts:
        click.echo(folded(f"✗ {conflict.wrong}", "  "))
        click.echo(folded(f"  → {conflict.look}", "    "))
    raise ConfigError("\n".join(f"{file}: {problem}" for problem in problems))


@contextmanager
def source(config: "NodeConfig") -> "Iterator[Source]":
    """Lend a running node's eyes, or the hardware itself when none runs."""
    from gateway.check.machine import this_machine
    from gateway.check.source import own, running

    desk = running(config)
    if desk is not None:
        yield desk
        return
    from sensors.io.pi import PiIO

    with own(config, PiIO(), this_machine()) as looks:
        yield looks
