"""The command line: `commune` gathers what each room brings along, and `commune node` is this room's."""

import json
import logging
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import IO, Any, cast

import click

from gateway.cli_calibrate import calibrate
from gateway.cli_recalculate import recalculate
from sensors.errors import ConfigError
from sensors.text import DEFAULT, speaking

GROUP = "commune.commands"
CONFIG = Path("/etc/commune/node.toml")

# Said here so that the help need not load the rooms, in the order in which a newcomer wants them.
PURPOSES = {
    "demo": "Run a whole commune on this machine, simulated.",
    "node": "Read sensors and send what they say to the edge.",
    "edge": "Gather a commune's readings and pass them up.",
    "doctor": "Look at this machine: what is wrong with it, and what to do.",
    "feed": "The MQTT contract: its schemas, and a check of what is on a broker.",
    "pki": "Issue, renew and revoke the certificates of a province.",
    "sim": "Simulate communes and fleets of nodes.",
}


class Rooms(click.Group):
    """Knows its commands by their entry points and loads one only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands; those of strangers come last."""
        names = {point.name for point in entry_points(group=GROUP)}
        return [name for name in PURPOSES if name in names] + sorted(names - set(PURPOSES))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load the command of that name; None when there is none."""
        for point in entry_points(group=GROUP, name=cmd_name):
            return cast("click.Command", point.load())
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what there is without loading it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, PURPOSES.get(name, "")) for name in self.list_commands(ctx)])


class WrongConfiguration(click.ClickException):
    """Ends a command with one line a problem and exit code 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the problems to standard error: a line each, folded where a person reads it on a screen."""
        lines = self.message.splitlines()
        if file is None and sys.stderr.isatty():
            width = max(20, shutil.get_terminal_size().columns - 1)
            lines = [
                textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False) for line in lines
            ]
        click.echo("\n".join(lines), file=file, err=True)


@contextmanager
def configuration(lang: str = "en") -> Iterator[None]:
    """Turn a ConfigError into a message in this language, and exit code 2: no traceback."""
    try:
        with speaking(lang):
            yield
    except ConfigError as error:
        raise WrongConfiguration(str(error)) from error


def in_front() -> str:
    """Return the language of whoever sits at the terminal; English where there is none: that is a journal."""
    return os.environ.get("COMMUNE_LANG", DEFAULT) if sys.stderr.isatty() else "en"


@click.group(cls=Rooms)
@click.version_option(package_name="commune")
def main() -> None:
    """From the sensors of a commune to the province's database, with nothing lost on the way."""


@click.group(help=PURPOSES["node"])
def node() -> None:
    """Hold the commands of a node."""


@node.command()
@click.argument("file", type=click.Path(path_type=Path), default=CONFIG)
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
def config(file: Path, as_json: bool) -> None:
    """Check a node's configuration and say all that is wrong with it; exit code 2 if anything is."""
    from gateway.config_check import load

    try:
        with speaking("en" if as_json else in_front()):
            checked = load(file)
    except ConfigError as error:
        if not as_json:
            raise WrongConfiguration(str(error)) from error
        click.echo(json.dumps({"ok": False, "problems": str(error).splitlines()}, ensure_ascii=False))
        raise SystemExit(WrongConfiguration.exit_code) from error
    facts = {"ok": True, "problems": [], "devices": len(checked.devices), "assets": len(checked.assets)}
    if as_json:
        click.echo(json.dumps(facts))
    else:
        click.echo(f"{file}: ok, {facts['devices']} devices, {facts['assets']} assets")


node.add_command(calibrate)
node.add_command(recalculate)


@node.command()
@click.argument("file", type=click.Path(path_type=Path), default=CONFIG)
def run(file: Path) -> None:
    """Read, keep and send until told to stop."""
    from gateway.config_check import load
    from gateway.node import run as run_node
    from gateway.spool import SpoolError
    from sensors.io.pi import PiIO

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    with configuration(in_front()):
        try:
            checked = load(file)
            run_node(checked, PiIO(checked.spool.path.parent))
        except SpoolError as error:
            raise click.ClickException(str(error)) from error
