"""The edge's commands about the programme: indicators of a period, and a commune's monthly report."""

import json
from pathlib import Path

import click

from edge_api.cli import _ask, _fetch, _json, _token, _url
from edge_api.cli_security import edge

__all__ = ["edge"]

_commune = click.option("--commune", help="5-digit unit code; all communes when left out.")
_lang = click.option("--lang", default="vi", show_default=True, help="Language of the words: vi or en.")


@edge.command()
@_url
@_token
@_json
@_commune
@click.option("--from", "first", help="First day, such as 2026-11-01; 30 days before the last.")
@click.option("--to", "last", help="Last day, included; today when left out.")
@click.option("--name", help="One indicator only, such as collection-rate.")
@click.option("--out", type=click.Path(path_type=Path), help="Write a table instead: a .csv or .xlsx file.")
@_lang
def indicators(
    url: str,
    token: str,
    commune: str | None,
    first: str | None,
    last: str | None,
    name: str | None,
    out: Path | None,
    lang: str,
    *,
    as_json: bool,
) -> None:
    """Say what the readings of a period come to, each figure with the coverage it rests on."""
    from urllib.parse import urlencode

    import msgspec

    from edge_api.province.figures import Figure
    from edge_api.province.wording import name_and_plant
    from sensors.figures import number
    from sensors.text import language, translator

    asked = {"commune": commune, "from": first, "to": last, "name": name, "lang": lang}
    query = {key: value for key, value in asked.items() if value is not None}
    if out is not None:
        form = out.suffix.removeprefix(".")
        if form not in {"csv", "xlsx"}:
            raise click.UsageError(f"--out {out}: write a name that ends in .csv or .xlsx")
        _save(out, _fetch(url, f"/v1/indicators?{urlencode({**query, 'format': form})}", token))
        return
    facts = _ask(url, f"/v1/indicators?{urlencode(query)}", token)
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    say, code = translator(lang), language(lang)
    for each in facts["figures"]:
        figure = msgspec.convert(each, Figure)
        value = say("not measured") if figure.value is None else number(figure.value, code, 1)
        covered = "-" if figure.coverage is None else f"{number(100 * figure.coverage, code, 1)} %"
        words = name_and_plant(figure, say)
        click.echo(f"{figure.name:18} {value:>12} {figure.unit:6} {covered:>8}  {words}")


@edge.command()
@_url
@_token
@click.option("--commune", required=True, help="5-digit unit code.")
@click.option("--month", required=True, help="Such as 2026-11.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .html file to write.")
@_lang
def report(url: str, token: str, commune: str, month: str, out: Path, lang: str) -> None:
    """Write a commune's monthly report as one page, to be printed from any browser."""
    from urllib.parse import urlencode

    query = urlencode({"commune": commune, "month": month, "lang": lang})
    _save(out, _fetch(url, f"/report?{query}", token))


def _save(out: Path, body: bytes) -> None:
    try:
        out.write_bytes(body)
    except OSError as error:
        raise click.ClickException(f"--out {out}: cannot be written: {error.strerror}") from None
    click.echo(str(out))
