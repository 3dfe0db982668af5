"""The edge's commands about who may do what: the broker's files, and tokens for the HTTP side."""

import json
from pathlib import Path
from typing import Any

import click

from edge_api.cli import CONFIG
from edge_api.cli_password import edge

__all__ = ["edge"]


@edge.command()
@click.argument("file", type=click.Path(path_type=Path), default=CONFIG)
@click.option("--out", type=click.Path(path_type=Path), help="Where to write; [broker] folder when left out.")
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
def broker(file: Path, out: Path | None, as_json: bool) -> None:
    """Write mosquitto.conf and its ACL file from the table [broker]."""
    from edge_api.broker.acl import acl
    from edge_api.broker.mosquitto import mosquitto_conf
    from edge_api.config import load
    from gateway.cli import configuration
    from sensors.errors import ConfigError

    with configuration():
        config = load(file)
        if config.broker is None:
            raise ConfigError(f"{file}: the table [broker] is missing; see docs/security.md")
        province, commune = config.site.province, config.site.commune
        folder = out or config.broker.folder
        written = {
            "mosquitto.conf": mosquitto_conf(config.broker, province, commune),
            "acl": acl(config.broker, province, commune),
        }
        changed = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in written.items():
                if (folder / name).exists() and (folder / name).read_text(encoding="utf-8") == text:
                    continue
                changed = True
                part = folder / f"{name}.part"
                part.write_text(text, encoding="utf-8")
                part.chmod(0o644)  # Mosquitto runs as a user of its own, and nothing in them is secret
                part.replace(folder / name)
        except OSError as error:
            raise ConfigError(f"--out: {folder} cannot be written: {error.strerror}") from None
    warnings = []
    if config.broker.crl_file is None:
        warnings.append("[broker] crl_file is missing: a certificate that was revoked is still let in")
    if commune and not config.broker.nodes:
        warnings.append("there is no [[broker.node]]: no node may say anything")
    files = [str(folder / name) for name in written]
    if as_json:
        click.echo(json.dumps({"files": files, "changed": changed, "warnings": warnings}, ensure_ascii=False))
        return
    for path in files:
        click.echo(path)
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


@edge.group()
def token() -> None:
    """Make tokens for the HTTP side."""


@token.command()
@click.argument("name")
@click.option("--scopes", required=True, help="Of ingest, read, admin; several with commas between.")
@click.option("--commune", default="", help="The one commune, by its code, whose readings it may write.")
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
def new(name: str, scopes: str, commune: str, as_json: bool) -> None:
    """Make a token, print it this once, and the lines for edge.toml that know it by its SHA-256."""
    import secrets
    from hashlib import sha256
    from typing import get_args

    from edge_api.tokens import Scope, Token
    from gateway.cli import configuration
    from sensors.errors import ConfigError
    from sensors.settings import convert

    secret = secrets.token_urlsafe(32)
    table: dict[str, Any] = {
        "name": name,
        "sha256": sha256(secret.encode()).hexdigest(),
        "scopes": [scope.strip() for scope in scopes.split(",") if scope.strip()],
        **({"commune": commune} if commune else {}),
    }
    with configuration():
        for scope in table["scopes"]:
            if scope not in get_args(Scope):
                raise ConfigError(f"--scopes: {scope!r} is none of {', '.join(get_args(Scope))}")
        convert(table, Token, "token: ")
    if as_json:
        click.echo(json.dumps({"token": secret, **table}, ensure_ascii=False))
        return
    click.echo(f"{secret}\n")
    click.echo(
        "# for edge.toml; the token itself goes into the sender's token_file, with chmod 600\n[[token]]"
    )
    for key, value in table.items():
        click.echo(f"{key} = {json.dumps(value)}")
