"""The commands of simulation for whoever learns to wire: a bench with one of each device, and its faults."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulators.cli import sim

if TYPE_CHECKING:
    from gateway.feed.desk import Lang


@sim.command()
@click.option(
    "--fault", "faults", multiple=True, metavar="DEVICE:FAULT", help="Break something first; may be repeated."
)
@click.option("--list", "listing", is_flag=True, help="List the faults.")
@click.option("--device", default="", help="Look at this device alone.")
@click.option(
    "--lang", type=click.Choice(["vi", "en"]), default="vi", envvar="COMMUNE_LANG", show_default=True
)
@click.option("--watch", is_flag=True, help="Look again and again, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, as the desk does.")
@click.option(
    "--certificate", "paper", type=click.Path(path_type=Path), help="Save the result as FILE.html and .json."
)
def check(
    faults: tuple[str, ...],
    device: str,
    lang: str,
    paper: Path | None,
    *,
    listing: bool,
    watch: bool,
    as_json: bool,
) -> None:
    """Practise `commune node check` on a simulated Pi with one of each device, and with faults."""
    from gateway.check.source import own
    from gateway.cli import configuration
    from gateway.cli_check import finish, kept, quiet
    from sensors.text import translator
    from simulators.bench import Bench
    from simulators.mishaps import MISHAPS, mishap

    if listing:
        say = translator(lang)
        for each in MISHAPS:
            click.echo(f"{each.full_name:26} {say(each.story)}")
        return
    quiet()
    bench = Bench()
    try:
        for name in faults:
            mishap(name).happens(bench)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with configuration(), own(bench.config(), bench.io, bench.machine) as looks:
        noted = looks if paper is None else kept(looks, bench.config(), paper, "")
        finish(noted, device, lang, watch=watch, as_json=as_json)


@sim.command()
@click.argument("target", default="")
@click.option("--keep", type=click.Path(path_type=Path), required=True, help="Folder that keeps the history.")
@click.option("--by", default="", help="Who calibrates.")
@click.option(
    "--lang", type=click.Choice(["vi", "en"]), default="vi", envvar="COMMUNE_LANG", show_default=True
)
def calibrate(target: str, keep: Path, by: str, lang: "Lang") -> None:
    """Practise `commune node calibrate` on that bench: bin-0001, ph.pH, meter, scale, tank, water, ...

    Without TARGET it prints what there is. What a step asks for is done as soon as Enter is pressed.
    """
    import msgspec

    from gateway.cli import configuration
    from gateway.cli_calibrate import reached, run
    from gateway.config import Spool
    from simulators.bench import Bench
    from simulators.practice import Hands

    bench = Bench()
    config = msgspec.structs.replace(bench.config(), spool=Spool(path=keep.resolve() / "node.db"))
    with configuration(), reached(config, lambda: bench.io) as way:
        run(Hands(bench, way).way(), target, kind=None, by=by, note="", points=(), wait=300.0, lang=lang,
            as_json=False)  # fmt: skip


@sim.command()
def faults() -> None:
    """Let every fault of the bench happen, and print the page that says how each is told."""
    from simulators.mishaps import MISHAPS
    from simulators.table import happen, table

    logging.disable(logging.CRITICAL)  # what the journal would say is said in the table
    click.echo(table([happen(each) for each in MISHAPS]), nl=False)
