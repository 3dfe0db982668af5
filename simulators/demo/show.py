"""What the demo prints: a live table of what was taken and what has arrived, and the closing facts."""

import json
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from edge_api.web import words
from sensors.figures import number
from sensors.text import Translate
from simulators.demo.commune import Demo
from simulators.demo.counting import missing


def _(text: str) -> str:
    return text


def address(level: str, url: str, say: Translate) -> str:
    """Write where a level's page is."""
    return f"{say(words.LEVELS[level])}: {url}"


def login(name: str, password: str, say: Translate) -> str:
    """Write how to log in at the pages."""
    return say(_("Log in as {name} with the password {password} (it is of this run only).")).format(
        name=name, password=password
    )


def live(demo: Demo, say: Translate, lang: str) -> Group:
    """Draw the table: what has been taken, what waits where, what has gone on."""
    table = _table(say(_("Type")), say(_("Taken")))
    taken = demo.taken_by_measurement()
    for name, count in sorted(taken.items()):
        table.add_row(_type(name, say), number(count, lang))
    table.add_row(say(_("all")), number(demo.taken(), lang), style="bold")
    at_node = sum(sum(w.points for w in each.node.publisher.outbox.waiting.values()) for each in demo.nodes)
    relay = demo.commune.relays[0]
    at_commune = sum(waiting.points for waiting in relay.outbox.waiting.values())
    way = Table(box=None, pad_edge=False, show_header=False)
    for label, text in (
        (say(_("Waiting at the node")), number(at_node, lang)),
        (say(_("Waiting at the commune")), number(at_commune, lang)),
        (say(_("Link to the province")), say(words.LINK[relay.state.value])),
        (say(_("Confirmed by the province")), number(relay.delivered, lang)),
    ):
        way.add_row(label, text)
    lines = [Text(address(level, url, say)) for level, url in demo.pages.items()]
    gap = Text("")
    return Group(*lines, gap, table, gap, way, gap, Text(say(_("Ctrl-C stops the demo.")), style="dim"))


def facts(demo: Demo) -> dict[str, Any]:
    """Compare what was taken with what the province has, reading by reading."""
    arrived = demo.arrived()
    taken = [identity for each in demo.nodes for identity in each.identities()]
    lost = missing(taken, arrived)
    by_measurement = demo.taken_by_measurement()
    return {
        "taken": len(taken),
        "arrived": len(arrived.identities),
        "missing": len(lost),
        "duplicates": arrived.duplicates,
        "sent_again": demo.commune.intake.counts.duplicates,
        "measurements": {
            name: {"taken": by_measurement[name], "arrived": arrived.by_measurement[name]}
            for name in sorted(set(by_measurement) | set(arrived.by_measurement))
        },
        "first_missing": ["/".join(map(str, identity)) for identity in lost[:5]],
    }


def last_line(found: dict[str, Any]) -> str:
    """Write the facts as one line of JSON."""
    return json.dumps(found, ensure_ascii=False)


def summary(found: dict[str, Any], say: Translate, lang: str) -> Group:
    """Draw the closing table."""
    table = _table(say(_("Type")), say(_("Taken")), say(_("Arrived")))
    for name, counts in found["measurements"].items():
        table.add_row(_type(name, say), number(counts["taken"], lang), number(counts["arrived"], lang))
    table.add_row(say(_("all")), number(found["taken"], lang), number(found["arrived"], lang), style="bold")
    lost, twice = found["missing"], found["duplicates"]
    counts = ((say(_("Missing")), lost), (say(_("Duplicates")), twice))
    verdict = "   ".join(f"{label}: {number(count, lang)}" for label, count in counts)
    return Group(table, Text(verdict, style="bold red" if lost or twice else "bold green"))


def _table(first: str, *rest: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first)
    for heading in rest:
        table.add_column(heading, justify="right")
    return table


def _type(name: str, say: Translate) -> str:
    return say(_("Alarms")) if name == "Alert" else say(words.TYPES[name])
