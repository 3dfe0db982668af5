"""`commune node recalculate`: shows what old readings say by the calibrations that are known now."""

import json
from pathlib import Path
from typing import TextIO

import click


@click.command()
@click.argument("asset")
@click.argument("readings", type=click.File(encoding="utf-8"), default="-")
@click.option("--config", "file", type=click.Path(path_type=Path), default=Path("/etc/commune/node.toml"))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a value.")
def recalculate(asset: str, readings: TextIO, file: Path, *, as_json: bool) -> None:
    """Make an asset's old values anew from their raw numbers and the history of calibrations.

    READINGS has one reading a line as the feed publishes it; what stands before its brace, such as a topic,
    does not matter. Nothing is changed; exit code 1 when a line is no reading.
    """
    import msgspec

    from gateway.cli import configuration, in_front
    from gateway.config_check import load
    from gateway.recalculating import Recalculator
    from sensors.calibration import Calibrations

    wrong = 0
    with configuration(in_front()):
        config = load(file)
        again = Recalculator(config, Calibrations(config.calibrations), asset)
    for number, line in enumerate(readings, 1):
        if not line.strip():
            continue
        try:
            body = json.loads(line[max(line.find("{"), 0) :])
            made = list(again.values(body["ts"], body.get("raw", ""), body))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            wrong += 1
            click.echo(f"line {number} is no reading: {type(error).__name__}: {error}", err=True)
            continue
        for each in made:
            if as_json:
                click.echo(json.dumps(msgspec.to_builtins(each), ensure_ascii=False))
            else:
                click.echo(f"{each.ts}  {each.field}  raw {each.raw:g}  was {each.was}  is {each.now}")
    if wrong:
        raise SystemExit(1)
