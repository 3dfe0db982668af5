"""The node's command that looks for what is wired and proposes lines for node.toml."""

import json
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import node
from gateway.cli_check import language

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.probe.scan import Met, Step


def _(text: str) -> str:
    return text


@node.command()
@language
@click.option("--port", "ports", multiple=True, help="Look on this serial port alone; may be repeated.")
@click.option("--baud", "bauds", multiple=True, type=int, help="Ask at this speed alone; may be repeated.")
@click.option(
    "--units", default="1-32", show_default=True, help="Modbus addresses to ask, such as 1-32 or 7."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each thing met.")
def probe(ports: tuple[str, ...], bauds: tuple[int, ...], units: str, lang: str, *, as_json: bool) -> None:
    """Look for thermometers, chips and Modbus units, and print lines for node.toml.

    Stop the node first: two masters on one line spoil each other's answers. Exit code 1: nothing is there.
    """
    from gateway.check.machine import serial_ports
    from gateway.probe.scan import BAUDS

    asked = _numbers(units)
    met = list(_told(_everything(ports or tuple(serial_ports()), asked, bauds or BAUDS), as_json=as_json))
    if not as_json:
        report(met, lang)
    raise SystemExit(0 if any(each.kind not in ("gpiochip", "port") for each in met) else 1)


def report(met: "list[Met]", lang: str) -> None:
    """Print what was met and the lines for node.toml."""
    from gateway.check.show import folded
    from gateway.probe.propose import proposals
    from sensors.text import translator

    translate = translator(lang)
    number = translate(_("unit"))
    for each in met:
        if each.kind == "port":
            failed = translate(_("{where} cannot be opened: {detail}"))
            click.echo(folded(f"✗ {failed}".format(where=each.where, detail=each.what), "  "))
            continue
        unit = f" {number} {each.unit} ({each.baud})" if each.kind == "modbus" else ""
        click.echo(folded(f"✓ {each.kind} {each.where}{unit} {each.what}".rstrip(), "  "))
    lines = list(proposals(met))
    if not lines:
        nothing = translate(_("Nothing was found. Look at the supply and the wires, then try again."))
        click.echo(folded(nothing))
        return
    heading = translate(_("Lines for node.toml; give each device a name of its own:"))
    click.echo("\n" + folded(f"# {heading}", "# "))
    click.echo("\n".join(lines))


def _everything(ports: tuple[str, ...], units: range, bauds: tuple[int, ...]) -> "Iterator[Met | Step]":
    from gateway.probe import scan
    from sensors.io.modbus import SerialModbus
    from sensors.io.pi import open_i2c

    sysfs, dev = Path("/sys"), Path("/dev")
    yield from scan.chips(dev)
    yield from scan.thermometers(sysfs)
    yield from scan.kernel_chips(sysfs)
    for bus in sorted(dev.glob("i2c-[0-9]")):
        try:
            opened = open_i2c(bus)
        except OSError as error:
            yield scan.Met("port", str(bus), str(error))
            continue
        with closing(opened) as lent:
            yield from scan.i2c(lent.read_byte, str(bus))
    yield from scan.modbus(
        ports,
        units,
        bauds,
        lambda port, baud: SerialModbus(port, baud=baud, parity="N", timeout_s=scan.TIMEOUT_S),
    )


def _told(found: "Iterator[Met | Step]", *, as_json: bool) -> "Iterator[Met]":
    from gateway.check.show import drawn_over
    from gateway.probe.scan import Step

    drawn = sys.stderr.isatty()
    for each in found:
        if isinstance(each, Step):
            if drawn:
                drawn_over(f"{each.what} {each.number}/{each.count}")
            continue
        if drawn:
            drawn_over("")
        if as_json:
            click.echo(json.dumps(asdict(each), ensure_ascii=False))
        yield each
    if drawn:
        drawn_over("")


def _numbers(text: str) -> range:
    first, dash, last = text.partition("-")
    try:
        found = range(int(first), int(last if dash else first) + 1)
    except ValueError:
        found = range(0)
    if not found or found[0] < 1 or found[-1] > 247:
        raise click.UsageError(f"--units: {text!r} is not like 1-32 or 7, between 1 and 247")
    return found
