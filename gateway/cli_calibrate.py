"""`commune node calibrate`: leads a technician through a calibration, or takes its points from a script."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from sensors.calibration.record import KINDS, Kind

if TYPE_CHECKING:
    from gateway.calibrating import Calibrating
    from gateway.config import NodeConfig
    from gateway.device import Device
    from sensors.io import IO
    from sensors.text import Translate

EVERY_S = 1.0


def _(text: str) -> str:
    return text


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
    wait: float, lang: str, *, listing: bool, as_json: bool,
) -> None:  # fmt: skip
    """Calibrate an asset or a device step by step; exit code 1 when the points cannot be right."""
    from gateway.cli import configuration
    from gateway.config import load
    from sensors.io.pi import PiIO

    with configuration():
        config = load(file)
        if listing:
            show_history(config, target, as_json=as_json)
            return
        run(config, PiIO(config.spool.path.parent), target or "", kind=kind, by=by, note=note, points=points,
            wait=wait, lang=lang, as_json=as_json)  # fmt: skip


def run(
    config: "NodeConfig", io: "IO", name: str, *, kind: Kind | None, by: str, note: str,
    points: tuple[str, ...], wait: float, lang: str, as_json: bool,
) -> None:  # fmt: skip
    """Do one calibration on some IO and append its records; raise ConfigError, or end with exit code 1."""
    from gateway.calibrating import Calibrating, find, make
    from sensors.calibration import Calibrations
    from sensors.calibration.procedures import Refused
    from sensors.errors import ConfigError
    from sensors.text import translator

    say = translator(lang)
    if not name:
        raise ConfigError("say what to calibrate: an asset or a device of the configuration")
    target = find(config, io, name, kind)
    by = by or click.prompt(say(_("Who calibrates?")), err=True)
    others = _others(config, target.of, target.kind)
    try:
        if points or target.kind == "factory":
            made = make(
                target, [_point(each) for each in points], by=by, at=_now(io), note=note, others=others
            )
        else:
            work = Calibrating(target)
            _lead(config, io, work, say, wait)
            made = work.records(by=by, at=_now(io), note=note, others=others)
    except Refused as refused:
        click.echo(refused.say(say), err=True)
        raise SystemExit(1) from refused
    Calibrations(config.calibrations).append(made)
    for record in made:
        if as_json:
            click.echo(msgspec.json.encode(record).decode())
        else:
            click.echo(
                f"{record.of}: {record.gain:.6g} x + {record.offset:.6g} {_facts(record.facts)}".rstrip()
            )
    if not as_json:
        click.echo(say(_("Kept. It holds from the next reading on.")))


def show_history(config: "NodeConfig", target: str | None, *, as_json: bool) -> None:
    """Print the records, of one target or of all, in the order in which they were made."""
    from sensors.calibration import Calibrations

    history = Calibrations(config.calibrations)
    for record in history.records:
        if target and record.of != target and not record.of.startswith(f"{target}."):
            continue
        if as_json:
            click.echo(json.dumps(msgspec.to_builtins(record), ensure_ascii=False))
        else:
            line = f"{record.gain:.6g} x + {record.offset:.6g}  {_facts(record.facts)}"
            click.echo(
                f"{record.at}  {record.of}  {record.kind}  {record.by}  {line}  {record.note}".rstrip()
            )


def _lead(config: "NodeConfig", io: "IO", work: "Calibrating", say: "Translate", wait_s: float) -> None:
    from gateway.device import Device

    (device_config,) = [each for each in config.devices if each.id == work.target.device]
    device = Device(device_config, io)
    device.open()
    try:
        while (step := work.step) is not None:
            if step.wants == "number":
                work.take(click.prompt(say(step.sentence), type=float, default=step.usual, err=True))
                continue
            click.echo(say(step.sentence), err=True)
            click.pause(say(_("Press a key when it is so ...")), err=True)
            _until_steady(
                device, io, work, wait_s, lambda text: click.echo(f"\r{text:<60}", err=True, nl=False)
            )
            click.echo(err=True)
            work.take()
    finally:
        device.close()


def _until_steady(
    device: "Device", io: "IO", work: "Calibrating", wait_s: float, show: Callable[[str], None]
) -> None:
    """Read and show until the readings agree, or for `wait_s`."""
    end_ns = io.clock.monotonic_ns() + round(wait_s * 1e9)
    while io.clock.monotonic_ns() < end_ns:
        sample = device.ask()[work.target.metric]
        own = float(sample.value) if isinstance(sample.value, (int, float)) else None
        steady = work.see(own)
        show(f"{work.target.metric}: {sample.reason if own is None else f'{own:g}'}{'  ✓' if steady else ''}")
        if steady:
            return
        io.clock.sleep(EVERY_S)


def _others(config: "NodeConfig", of: str, kind: Kind) -> list[str]:
    """A meter's K-factor makes its flow true as well as its index."""
    device, _dot, metric = of.partition(".")
    driver = next((each.driver for each in config.devices if each.id == device), "")
    return [f"{device}.flow"] if kind == "k-factor" and metric == "volume" and driver == "pulse-flow" else []


def _point(text: str) -> tuple[float, float]:
    from sensors.errors import ConfigError

    own, _sign, true = text.partition("=")
    try:
        return float(own), float(true)
    except ValueError:
        raise ConfigError(
            f"--point {text!r}: write what the device said and what was true: 6.93=7.00"
        ) from None


def _now(io: "IO") -> str:
    return datetime.fromtimestamp(io.clock.wall_ns() / 1e9, UTC).isoformat(timespec="milliseconds")


def _facts(facts: dict[str, float]) -> str:
    return " ".join(f"{name}={value:g}" for name, value in facts.items())
