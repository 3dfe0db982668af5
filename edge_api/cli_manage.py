"""The edge's commands that change something: mend the quarantine, make a key, carry data on a stick."""

import json
from pathlib import Path
from typing import Any

import click

from edge_api.cli import URL, edge, quarantine

__all__ = ["edge"]

_url = click.option("--url", default=URL, show_default=True, help="Where the edge serves.")
_token = click.option("--token", default="", envvar="COMMUNE_TOKEN", help="A token with scope admin.")
_PIECE = 1 << 20


def _call(method: str, url: str, path: str, token: str, body: Any = None) -> Any:
    import urllib3

    headers = {"Authorization": f"Token {token}"} if token else {}
    try:
        answer = urllib3.request(
            method,
            url.rstrip("/") + path,
            headers=headers,
            body=body,
            timeout=600.0,
            retries=False,
            preload_content=False,
        )
    except urllib3.exceptions.HTTPError as error:
        raise click.ClickException(f"no edge answers at {url}: {error}; is it running?") from error
    if answer.status >= 400 and answer.status != 422:
        raise click.ClickException(f"{url}{path} answers {answer.status}: {answer.data.decode()[:500]}")
    return answer


@quarantine.command()
@click.argument("number", type=int)
@click.option("--line", type=click.Path(path_type=Path, exists=True), help="A file with the mended body.")
@_url
@_token
def replay(number: int, line: Path | None, url: str, token: str) -> None:
    """Send a quarantined body again, as it is or mended."""
    fixed = line.read_bytes() if line else b""
    answer = _call("POST", url, f"/v1/quarantine/{number}/replay", token, fixed)
    if answer.status == 422:
        raise click.ClickException(f"{number} is still not right: {json.loads(answer.data)['detail']}")
    click.echo(f"{number} is on its way again")


@quarantine.command()
@click.argument("number", type=int)
@_url
@_token
def drop(number: int, url: str, token: str) -> None:
    """Give a quarantined body up for good."""
    _call("DELETE", url, f"/v1/quarantine/{number}", token)
    click.echo(f"{number} is gone")


@edge.command()
@click.argument("file", type=click.Path(path_type=Path))
def key(file: Path) -> None:
    """Make the key that signs this edge's exports, and print the public half for others' [[trust]]."""
    from edge_api.exchange import ExchangeError, Signer

    try:
        signer = Signer.load(file) if file.exists() else Signer.create(file)
    except ExchangeError as error:
        raise click.ClickException(str(error)) from error
    click.echo(signer.public)


@edge.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--upstream", help="Whose queue; the first upstream's when left out.")
@_url
@_token
def export_(file: Path, upstream: str | None, url: str, token: str) -> None:
    """Write all that waits for an upstream to a signed file, for a USB stick."""
    answer = _call("GET", url, "/v1/export" + (f"?upstream={upstream}" if upstream else ""), token)
    part = file.with_name(file.name + ".part")
    size = 0
    with part.open("wb") as to:
        for piece in answer.stream(_PIECE):
            size += to.write(piece)
    part.rename(file)
    click.echo(f"{file}: {size} bytes; keep the stick until its receipt has come back")


@edge.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.option("--receipt", type=click.Path(path_type=Path), help="Where to write the receipt to carry back.")
@_url
@_token
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
def import_(file: Path, receipt: Path | None, url: str, token: str, *, as_json: bool) -> None:
    """Take in an export, or a receipt that lets go; exit code 1 when the file is not right to its end."""
    with file.open("rb") as body:
        facts = json.loads(_call("POST", url, "/v1/import", token, body).data)
    if receipt is not None and facts["receipt"]:
        receipt.write_bytes(bytes.fromhex(facts["receipt"]))
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
    else:
        done = f"{facts['points']} readings taken in, {facts['released']} let go"
        click.echo(f"{file}: {facts['blocks']} blocks, {done}")
    if facts["problem"]:
        raise click.ClickException(f"{file}: {facts['problem']}")
