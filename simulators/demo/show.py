"""What the demo prints: a live table of what was taken and what has arrived, and the closing facts."""

import json
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from sensors.text import Translate
from simulators.demo.commune import Demo
from simulators.demo.counting import missing


def live(demo: Demo, say: Translate) -> Group:
    """Draw the table: what has been taken, what waits where, what has gone on."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (
        say("Type"), say("Taken"), say("At the node"), say("At the commune"), say("Link to the province")
    ):  # fmt: skip
        table.add_column(heading, justify="left" if heading == say("Type") else "right")
    taken = demo.taken_by_measurement()
    at_node = sum(sum(w.points for w in each.node.publisher.outbox.waiting.values()) for each in demo.nodes)
    relay = demo.commune.relays[0]
    at_commune = sum(waiting.points for waiting in relay.outbox.waiting.values())
    for name, count in sorted(taken.items()):
        table.add_row(name, str(count), "", "", "")
    table.add_row(
        say("all"), str(demo.taken()), str(at_node), str(at_commune), relay.state.value, style="bold"
    )
    lines = [Text(f"{say(level.capitalize())}: {url}") for level, url in demo.pages.items()]
    delivered = Text(f"{say('Confirmed by the province')}: {relay.delivered}")
    return Group(
        *lines, Text(""), table, Text(""), delivered, Text(say("Ctrl-C stops the demo."), style="dim")
    )


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


def summary(found: dict[str, Any], say: Translate) -> Group:
    """Draw the closing table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(say("Type"))
    for heading in (say("Taken"), say("Arrived")):
        table.add_column(heading, justify="right")
    for name, counts in found["measurements"].items():
        table.add_row(name, str(counts["taken"]), str(counts["arrived"]))
    table.add_row(say("all"), str(found["taken"]), str(found["arrived"]), style="bold")
    verdict = f"{say('Missing')}: {found['missing']}   {say('Duplicates')}: {found['duplicates']}"
    return Group(table, Text(verdict, style="bold green" if not found["missing"] else "bold red"))
