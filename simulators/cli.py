"""The commands of simulation: `commune demo`, and `commune sim`."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(help="Run a whole commune on this machine, simulated.")
@click.option(
    "--for", "for_s", type=click.FloatRange(min=1), help="Stop after so many seconds, drain, and judge."
)
@click.option(
    "--speed", type=click.FloatRange(1, 1000), default=60.0, show_default=True, help="Times as fast."
)
@click.option("--nodes", type=click.IntRange(1, 20), default=1, show_default=True, help="How many nodes.")
@click.option(
    "--broker", "broker_kind", default="embedded", show_default=True, help="embedded, mosquitto or HOST:PORT."
)
@click.option("--influx", help="URL of a real database in the province's place.")
@click.option(
    "--api", type=click.Choice(["auto", "v2", "v1"]), default="auto", show_default=True, help="Its dialect."
)
@click.option("--token", default="", envvar="COMMUNE_DEMO_TOKEN", help="Its token (v2).")
@click.option("--org", default="commune", show_default=True, help="Its organisation (v2).")
@click.option("--bucket", default="commune", show_default=True, help="Its bucket; for v1 the database.")
@click.option(
    "--lang", type=click.Choice(["vi", "en"]), default="vi", envvar="COMMUNE_LANG", show_default=True
)
@click.option("--seed", type=int, default=1, show_default=True, help="What happens in the simulated world.")
@click.option("--json", "as_json", is_flag=True, help="Print the facts as one line of JSON at the end.")
def demo(
    for_s: float | None,
    speed: float,
    nodes: int,
    broker_kind: str,
    influx: str | None,
    api: str,
    token: str,
    org: str,
    bucket: str,
    lang: str,
    seed: int,
    *,
    as_json: bool,
) -> None:
    """Run everything on one machine; exit code 1 unless every reading taken has arrived."""
    from gateway.cli import configuration
    from simulators.demo.database import Database, reach

    try:
        from simulators.demo.run import run
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"the demo needs {error.name}, which a Pi does not: install commune[demo]"
        ) from error

    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    with configuration():
        database = reach(Database(influx, api, token, org, bucket)) if influx else None
        complete = run(
            for_s=for_s,
            speed=speed,
            nodes=nodes,
            broker_kind=broker_kind,
            database=database,
            as_json=as_json,
            lang=lang,
            seed=seed,
        )
    if not complete:
        raise SystemExit(1)


@click.group(help="Simulate communes and fleets of nodes.")
def sim() -> None:
    """Hold the commands of simulation."""


@sim.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=1, show_default=True, help="What happens in the simulated world.")
@click.option("--bins", type=click.IntRange(0, 10), default=4, show_default=True, help="Bins on this node.")
@click.option(
    "--speed", type=click.FloatRange(1, 1000), default=1.0, show_default=True, help="Times as fast."
)
@click.option(
    "--every", default="1s", show_default=True, help="Between two readings of an asset, in real time."
)
def node(file: Path, seed: int, bins: int, speed: float, every: str) -> None:
    """Run a node on simulated hardware, for ever; FILE holds its tables but devices and assets."""
    from gateway.cli import configuration
    from simulators.fleet.run import span
    from simulators.node import run_node

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    with configuration():
        run_node(file, seed=seed, bins=bins, speed=speed, every_s=span("--every", every))


@sim.command()
@click.option("--communes", type=int, default=69, show_default=True, help="How many communes, one node each.")
@click.option(
    "--assets", type=click.IntRange(1, 5000), default=300, show_default=True, help="Of each commune."
)
@click.option("--every", default="60s", show_default=True, help="Between two readings of an asset.")
@click.option("--broker", help="HOST:PORT of an MQTT broker: publish as that many nodes.")
@click.option("--username", help="Name at the broker.")
@click.option("--password-file", type=click.Path(path_type=Path), help="File with the broker's password.")
@click.option("--states/--no-states", default=True, show_default=True, help="Retained states too, over MQTT.")
@click.option("--http", "url", help="URL of an edge or database: write as that many commune edges.")
@click.option("--token-file", type=click.Path(path_type=Path), help="File with the token for --http.")
@click.option("--batch", default="1s", show_default=True, help="Between two writes of an edge, over HTTP.")
@click.option("--for", "for_s", type=click.FloatRange(min=1), help="Stop after so many seconds, then drain.")
@click.option(
    "--drain", type=click.FloatRange(min=0), default=120, show_default=True, help="Seconds, at most."
)
@click.option("--json", "as_json", is_flag=True, help="Print the facts as one line of JSON at the end.")
def fleet(
    communes: int,
    assets: int,
    every: str,
    broker: str | None,
    username: str | None,
    password_file: Path | None,
    url: str | None,
    token_file: Path | None,
    batch: str,
    for_s: float | None,
    drain: float,
    *,
    states: bool,
    as_json: bool,
) -> None:
    """Publish as many nodes or edges, in real time; exit code 1 unless all readings came into custody."""
    from gateway.cli import configuration
    from simulators.fleet import run

    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    if (broker is None) == (url is None):
        raise click.UsageError("say where to: either --broker HOST:PORT or --http URL")
    with configuration():
        every_s, batch_s = run.span("--every", every), run.span("--batch", batch)
        members: Sequence[run.Member]
        if broker is not None:
            settings = run.broker_settings(broker, username, password_file)
            members, owned = run.over_mqtt(communes, assets, every_s, settings, states=states)
        else:
            token = "" if token_file is None else run.secret(token_file, "--token-file")
            members, owned = run.over_http(communes, assets, url or "", token, batch_s)
    found = run.Fleet(members, owned, every_s).run(
        run.stop_on_signals(), for_s, drain, lambda facts: click.echo(run.as_words(facts), err=True)
    )
    click.echo(run.as_line(found) if as_json else run.as_words(found))
    if found.waiting:
        raise SystemExit(1)


@sim.command()
@click.argument("scenario")
@click.option("--for", "for_s", type=click.FloatRange(min=1), help="Only so many seconds of the scenario.")
@click.option(
    "--speed", type=click.FloatRange(min=0.1), help="Times as fast as life; else as fast as it goes."
)
@click.option("--broker", help="HOST:PORT of an MQTT broker to publish to.")
@click.option("--username", help="Name at the broker.")
@click.option("--password-file", type=click.Path(path_type=Path), help="File with the broker's password.")
@click.option(
    "--drain", type=click.FloatRange(min=0), default=120, show_default=True, help="Seconds, at most."
)
@click.option("--readings", type=click.File("w", "utf-8"), help="File for topics and bodies, - for here.")
@click.option("--truth", type=click.File("w", "utf-8"), help="File for what really happened, - for here.")
@click.option("--json", "as_json", is_flag=True, help="Print the facts as one line of JSON at the end.")
def commune(
    scenario: str,
    for_s: float | None,
    speed: float | None,
    broker: str | None,
    username: str | None,
    password_file: Path | None,
    drain: float,
    readings: TextIO | None,
    truth: TextIO | None,
    *,
    as_json: bool,
) -> None:
    """Play one commune; SCENARIO is a TOML file or the name of one that comes along, such as thirty-days."""
    import json

    from msgspec.structs import replace

    from gateway.cli import configuration
    from sensors.settings import Seconds
    from simulators import play
    from simulators.fleet.run import broker_settings
    from simulators.scenario import read

    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    with configuration():
        told = read(scenario)
        if for_s is not None:
            told = replace(told, duration=Seconds(min(for_s, told.duration)))
        settings = None if broker is None else broker_settings(broker, username, password_file)
        found = play.run(told, speed=speed, broker=settings, drain_s=drain, readings=readings, truth=truth)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        for name, value in found.items():
            click.echo(f"{name}: {value}")
    if found.get("taken") != found.get("in_custody"):
        raise SystemExit(1)
