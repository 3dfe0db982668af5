"""The feed's commands: the contract for machines, and what checks a broker or a capture against it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

if TYPE_CHECKING:
    from gateway.feed.kit import Check, Finding, Heard
    from gateway.feed.kit.listen import Broker

_FILE = click.Path(path_type=Path, dir_okay=False)
_SHOWN = 20  # findings of one rule; the summary counts all

_PLACE = (
    click.option("--host", help="The broker to listen to."),
    click.option("--port", type=click.IntRange(1, 65_535), help="Its port: 1883, or 8883 with --cafile."),
    click.option("--topic", "topics", multiple=True, help="Only these topics; ntm/v1/# without it."),
    click.option("--username", help="Who listens."),
    click.option("--password-file", type=_FILE, help="The file that holds the password."),
    click.option("--cafile", type=_FILE, help="Who signed the broker's certificate; turns TLS on."),
    click.option("--cert", type=_FILE, help="Your certificate."),
    click.option("--key", type=_FILE, help="Your certificate's key."),
)


def _(text: str) -> str:
    return text


def _place(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_PLACE):
        command = option(command)
    return command


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


@feed.command()
@_place
@click.option("--for", "for_s", type=click.FloatRange(min=0.1), help="Stop after so many seconds.")
def capture(for_s: float | None, topics: tuple[str, ...], **place: Any) -> None:
    """Write what is on a broker to standard output, a message a line, for `validate --file`."""
    from gateway.feed.kit import write_line
    from gateway.feed.kit.listen import ListenError, listen

    broker = _broker({**place, "host": place["host"] or "localhost"})
    try:
        for heard in listen(broker, topics or ("ntm/v1/#",), for_s):
            click.echo(write_line(heard))
    except ListenError as error:
        raise click.ClickException(str(error)) from error


@feed.command()
@_place
@click.option(
    "--for", "for_s", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="Seconds."
)
@click.option("--file", type=_FILE, help="Check a capture instead of a broker; - is standard input.")
@click.option(
    "--clock",
    type=click.Choice(["wall", "feed"]),
    default="wall",
    show_default=True,
    help="How old a reading is: by the wall clock, or (a simulation) by the newest reading.",
)
@click.option(
    "--plain-retain", is_flag=True, help="The capture was made without --retain-as-published (MQTT 3.1.1)."
)
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON, a line a finding.")
@click.option(
    "--lang", type=click.Choice(["vi", "en"]), default="vi", envvar="COMMUNE_LANG", show_default=True
)
def validate(
    for_s: float,
    file: Path | None,
    clock: str,
    plain_retain: bool,
    topics: tuple[str, ...],
    as_json: bool,
    lang: str,
    **place: Any,
) -> None:
    """Check a live broker, or a captured file, against the contract; exit code 1 when something breaks it."""
    from gateway.feed.kit import Check

    if (file is None) == (place["host"] is None):
        raise click.UsageError("give --host to check a broker, or --file to check a capture")
    check = Check(wall=clock == "wall", as_published=not plain_retain)
    if file is not None:
        for heard in _captured(file):
            check.take(heard)
        check.finish()
    else:
        _live(check, _broker(place), topics or ("ntm/v1/#",), for_s)
    _print(check, lang, as_json=as_json)
    if not check.fine:
        raise SystemExit(1)


def _broker(place: dict[str, Any]) -> "Broker":
    from gateway.feed.kit.listen import Broker

    if place["cafile"] is None and (place["cert"] or place["key"]):
        raise click.UsageError("--cert and --key need --cafile, which turns TLS on")
    if place["password_file"] and not place["username"]:
        raise click.UsageError("--password-file needs --username")
    return Broker(**{**place, "port": place["port"] or (8883 if place["cafile"] else 1883)})


def _captured(file: Path) -> "Iterator[Heard]":
    from gateway.feed.kit import CaptureError, read_capture

    try:
        yield from read_capture(Path("/dev/stdin") if str(file) == "-" else file)
    except CaptureError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.UsageError(f"--file {file}: {error.strerror}") from error


def _live(check: "Check", broker: "Broker", topics: tuple[str, ...], for_s: float) -> None:
    import time

    from gateway.feed.kit.listen import ListenError, listen

    heard_any = False
    try:
        for heard in listen(broker, topics, for_s):
            heard_any = True
            check.take(heard)
    except ListenError as error:
        if not heard_any:
            raise click.UsageError(str(error)) from error
        check.broken_off(str(error))
    check.finish(time.time_ns())


def _print(check: "Check", lang: str, *, as_json: bool) -> None:
    from sensors.text import translator

    translate = translator(lang)
    shown: Counter[str] = Counter()
    for finding in check.findings:
        shown[finding.rule] += 1
        if as_json:
            click.echo(json.dumps(_facts(finding, lang), ensure_ascii=False))
        elif shown[finding.rule] <= _SHOWN:
            what, right = finding.say(lang)
            line = _("{topic}: notice {rule}: {what}; right: {right}")
            line = line if finding.notice else _("{topic}: {rule}: {what}; right: {right}")
            click.echo(translate(line).format(topic=finding.topic, rule=finding.rule, what=what, right=right))
    for rule, count in shown.items():
        if count > _SHOWN and not as_json:
            click.echo(translate(_("{rule}: {count} more")).format(rule=rule, count=count - _SHOWN))
    summary = check.summary()
    if as_json:
        click.echo(json.dumps(summary))
        return
    channels = ", ".join(
        f"{count} {name}" for name, count in cast("dict[str, int]", summary["channels"]).items()
    )
    counted = translate(_("{messages} messages ({channels}), {breaches} breaches"))
    nothing = translate(_("none"))
    click.echo(
        counted.format(
            messages=summary["messages"], channels=channels or nothing, breaches=summary["breaches"]
        )
    )


def _facts(finding: "Finding", lang: str) -> dict[str, Any]:
    what, right = finding.say(lang)
    return {
        "topic": finding.topic,
        "rule": finding.rule,
        "what": what,
        "right": right,
        "notice": finding.notice,
    }
