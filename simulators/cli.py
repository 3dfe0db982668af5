"""The commands of simulation: `commune demo`, and `commune sim`."""

import logging
from pathlib import Path

import click


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
def node(file: Path, seed: int, bins: int, speed: float) -> None:
    """Run a node on simulated hardware, for ever; FILE holds its tables but devices and assets."""
    from gateway.cli import configuration
    from simulators.node import run_node

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    with configuration():
        run_node(file, seed=seed, bins=bins, speed=speed)
