"""The edge's commands: run one, and ask a running one."""

import gc
import json
import logging
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from edge_api.config import Http

CONFIG = Path("/etc/commune/edge.toml")
URL = "http://127.0.0.1:8086"
_SOON_DAYS = 30
_YOUNG = 20_000  # objects made before the first look; Python's 700 are there after 200 readings


@click.group(help="Hold the commands of an edge.")
def edge() -> None:
    """Hold the commands of an edge."""


@edge.command()
@click.argument("file", type=click.Path(path_type=Path), default=CONFIG)
def run(file: Path) -> None:
    """Take in, keep, relay and serve until told to stop."""
    from edge_api.config import load
    from edge_api.edge import Edge
    from edge_api.server import HttpServer
    from edge_api.vitals import standing, words
    from gateway.cli import configuration
    from gateway.spool import SpoolError
    from sensors.errors import ConfigError
    from sensors.notify import attend

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with configuration():
        config = load(file)
        server = HttpServer(config.http.host, config.http.port, config.http)
        try:
            this = Edge(config)
        except SpoolError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            raise ConfigError(f"{file}: [spool] path: {config.spool.path}: {error.strerror}") from error
    this.spool.alarms.append(stop.set)
    this.start()
    server.start(this, config.limits, config.page, config.desk)
    _say_who_may_write(config.http, bool(config.tokens), server.port)
    logging.getLogger(__name__).info("edge at %s level serves on port %d", config.site.level, server.port)
    _collect_seldom()
    attend(stop, lambda: standing(this, server), lambda: words(this))
    server.stop()
    this.stop()
    if this.spool.problem:
        raise click.ClickException(this.spool.problem)


def _collect_seldom() -> None:
    """Look for dead rings of objects seldom, and never in what the start has made: readings leave none."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG)


def _say_who_may_write(http: "Http", tokens: bool, port: int) -> None:
    log = logging.getLogger(__name__)
    if tokens:
        return
    if http.open:
        log.warning("[http] open: whoever reaches port %d may write and manage: there is no [[token]]", port)
    else:
        log.info(
            "no [[token]]: only programs on this machine may write and manage; others need a token"
            " (commune edge token new), or [http] open = true"
        )


def _fetch(url: str, path: str, token: str) -> bytes:
    import urllib3

    headers = {"Authorization": f"Token {token}"} if token else {}
    try:
        answer = urllib3.request(
            "GET", url.rstrip("/") + path, headers=headers, timeout=30.0, retries=False, preload_content=True
        )
    except urllib3.exceptions.HTTPError as error:
        raise click.ClickException(f"no edge answers at {url}: {error}; is it running?") from error
    if answer.status != 200:
        raise click.ClickException(f"{url}{path} answers {answer.status}: {answer.data.decode()[:300]}")
    return answer.data


def _ask(url: str, path: str, token: str) -> Any:
    try:
        return json.loads(_fetch(url, path, token))
    except ValueError as error:
        raise click.ClickException(f"{url}{path} does not answer as an edge does") from error


_url = click.option("--url", default=URL, show_default=True, help="Where the edge serves.")
_token = click.option("--token", default="", envvar="COMMUNE_TOKEN", help="A token with scope read.")
_json = click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")


@edge.command()
@_url
@_token
@_json
def status(url: str, token: str, as_json: bool) -> None:
    """Say what waits for each upstream, and which certificates end; exit code 1 if a person must act."""
    facts = _ask(url, "/v1/relay", token)
    ending = [
        each
        for each in _ask(url, "/v1/security", token)
        if each["problem"] or (each["daysLeft"] is not None and each["daysLeft"] < _SOON_DAYS)
    ]
    if as_json:
        click.echo(json.dumps({**facts, "ending": ending}, ensure_ascii=False))
    else:
        for each in ending:
            click.echo(f"{each['what']}: {each['problem'] or 'ends at ' + each['expires'] + ': renew it'}")
        for each in facts["upstreams"]:
            lanes = each["lanes"]
            waiting = ", ".join(f"{lanes[name]['points']} {name}" for name in ("events", "live", "backlog"))
            click.echo(f"{each['name']}: {each['state']}; waiting: {waiting}")
            if each["last_error"]:
                click.echo(f"    last error: {each['last_error']}")
    if ending or any(each["state"] in ("retrying", "holding") for each in facts["upstreams"]):
        raise SystemExit(1)


@edge.command()
@_url
@_token
@_json
@click.option("--lang", default="en", show_default=True, help="Language of the reasons: en or vi.")
def gaps(url: str, token: str, as_json: bool, lang: str) -> None:
    """List the readings that are known to be missing; exit code 1 if there are any."""
    from edge_api.web.words import GAPS
    from sensors.text import translator

    say = translator(lang)

    def line(gap: Any) -> str:
        why = f"{gap['reason']}, {say(GAPS[gap['reason']])}" if gap["reason"] in GAPS else gap["reason"]
        return f"{gap['gw']}/{gap['ep']}: {_extent(gap)}: {why}"

    _print(_ask(url, "/v1/gaps", token), line, as_json=as_json)


def _extent(gap: Any) -> str:
    """Say which numbers are missing, and of what time, as far as either is known."""
    last = "?" if gap["to"] is None else gap["to"]
    numbers = [] if gap["from"] is None else [f"{gap['from']} to {last}"]
    return ", ".join(numbers + ([f"{gap['after']} to {gap['before']}"] if gap["after"] else []))


def _print(facts: list[Any], line: Callable[[Any], str], *, as_json: bool) -> None:
    """Print facts, one a line or as JSON; end with exit code 1 when there are any."""
    click.echo(
        json.dumps(facts, ensure_ascii=False) if as_json else "\n".join(map(line, facts)),
        nl=as_json or bool(facts),
    )
    if facts:
        raise SystemExit(1)


@edge.group(invoke_without_command=True)
@_url
@_token
@_json
@click.pass_context
def quarantine(context: click.Context, url: str, token: str, as_json: bool) -> None:
    """Show what no one would take, and why; exit code 1 if there is anything."""
    if context.invoked_subcommand is not None:
        return
    facts = _ask(url, "/v1/quarantine", token)
    _print(facts, lambda it: f"{it['id']}: {it['reason']}\n    {it['line'][:300]}", as_json=as_json)
