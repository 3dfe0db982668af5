"""The command that sets a password of the page: the first one when an edge is installed, others later."""

import socket
import sys
from pathlib import Path
from typing import Literal

import click

from edge_api.cli import CONFIG
from edge_api.cli_manage import edge

__all__ = ["edge"]


@edge.command()
@click.argument("file", type=click.Path(path_type=Path), default=CONFIG)
@click.option("--name", default="admin", show_default=True, help="Who logs in.")
@click.option(
    "--role",
    type=click.Choice(["read", "admin"]),
    default="admin",
    show_default=True,
    help="May look, or also change something.",
)
@click.option("--stdin", "piped", is_flag=True, help="Read the password from the standard input.")
def password(file: Path, name: str, role: Literal["read", "admin"], *, piped: bool) -> None:
    """Set the password with which a person logs in at the page; there is none before."""
    from edge_api.config import load
    from edge_api.web.accounts import set_password
    from gateway.cli import configuration

    if not 1 <= len(name) <= 40 or not name.isprintable():
        raise click.UsageError("--name: one to 40 letters")
    with configuration():
        config = load(file)
        secret = (
            sys.stdin.readline().rstrip("\r\n")
            if piped
            else click.prompt(f"New password of {name}", hide_input=True, confirmation_prompt=True)
        )
        set_password(config.page.accounts, name, role, secret)
    scheme = "https" if config.http.cert_file else "http"
    click.echo(f"{name} may log in now ({role}): {scheme}://{socket.gethostname()}:{config.http.port}/login")
