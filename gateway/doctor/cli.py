"""The command `commune doctor`: each room examines its part, and what is wrong is said in two sentences."""

import json
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.doctor.symptom import Area

GROUP = "commune.doctor"
FOLDER = Path("/etc/commune")


def _(text: str) -> str:
    return text


@click.command(help="Look at this machine: what is wrong with it, and what to do.")
@click.option("--folder", type=click.Path(path_type=Path), default=FOLDER, show_default=True,
              help="Where node.toml and edge.toml are.")  # fmt: skip
@click.option("--lang", default="vi", show_default=True, help="Language: vi or en.")
@click.option("--token", default="", envvar="COMMUNE_TOKEN", help="A token of the edge with scope read.")
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
def doctor(folder: Path, lang: str, token: str, as_json: bool) -> None:
    """Examine; exit code 0 all well, 1 something does not work, 2 a configuration is wrong or missing."""
    from gateway.doctor.symptom import Area, say
    from sensors.sample import Quality
    from sensors.text import language, speaking, translator

    lang = language(lang)
    translate = translator(lang)
    found: list[Area] = []
    with speaking(lang):
        for area in _once(_examined(folder, token)):
            found.append(area)
            if not as_json:
                _show(area, lang)
    symptoms = [symptom for area in found for symptom in area.symptoms]
    bad = [each for each in symptoms if each.severity is Quality.BAD]
    wrong = [each for each in symptoms if each.code == "config-wrong"]
    if as_json:
        facts = {
            "ok": not bad,
            "version": version("commune"),
            "looked_at": [translate(area.name) for area in found],
            "symptoms": [
                {
                    "code": each.code,
                    "severity": each.severity.word,
                    "where": each.where,
                    "wrong": say(each, lang)[0],
                    "look": say(each, lang)[1],
                    "facts": dict(each.facts),
                }
                for each in symptoms
            ],
        }
        click.echo(json.dumps(facts, ensure_ascii=False))
    raise SystemExit(2 if wrong else 1 if bad else 0)


def _examined(folder: Path, token: str) -> Iterator["Area"]:
    from gateway.doctor import machine
    from gateway.doctor.symptom import Area, of
    from sensors.errors import ConfigError
    from sensors.io.pi import PiIO

    rooms = [(room, folder / f"{room}.toml") for room in ("node", "edge")]
    present = [(room, file) for room, file in rooms if file.exists()]
    if not present:
        raise click.UsageError(f"there is neither node.toml nor edge.toml in {folder}; name another --folder")
    for room, file in present:
        (point,) = entry_points(group=GROUP, name=room)
        examine: Callable[[Path, str], Iterator[Area]] = point.load()
        try:
            yield from examine(file, token)
        except ConfigError as error:
            unit = f"commune-{room}"
            yield Area(_("Configuration"), [of("config-wrong", str(file), detail=str(error), unit=unit)])
    yield Area(_("Card, supply and heat"), machine.hardware(PiIO(folder)))


def _once(areas: Iterator["Area"]) -> Iterator["Area"]:
    """Leave out what was said already: node and edge of one machine share its clock."""
    seen = set()
    for area in areas:
        if (said := (area.name, tuple(each.code for each in area.symptoms))) not in seen:
            seen.add(said)
            yield area


def _show(area: "Area", lang: str) -> None:
    from gateway.doctor.symptom import say
    from sensors.sample import Quality
    from sensors.text import translator

    name = translator(lang)(area.name)
    if not area.symptoms:
        click.echo(f"✓ {name}")
    for symptom in area.symptoms:
        wrong, look = say(symptom, lang)
        click.echo(f"{'✗' if symptom.severity is Quality.BAD else '!'} {name}: {wrong}\n  → {look}")
