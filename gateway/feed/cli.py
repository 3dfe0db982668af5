"""The feed's commands: the contract for machines, and what checks a broker or a capture against it."""

from pathlib import Path

import click


@click.group(help="The MQTT contract: its schemas, and a check of what is on a broker.")
def feed() -> None:
    """Hold the commands of the feed."""


@feed.command()
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Write asyncapi.json and schemas/ there."
)
def schema(out: Path | None) -> None:
    """Print the AsyncAPI 3 document, or write it and one JSON Schema a type into a folder."""
    from gateway.feed.schema import files, write

    if out is None:
        click.echo(files()["asyncapi.json"], nl=False)
        return
    try:
        written = write(out)
    except OSError as error:
        raise click.UsageError(f"--out {out}: {error.strerror}: give a folder that can be written") from error
    click.echo(f"{len(written)} files in {out}")
