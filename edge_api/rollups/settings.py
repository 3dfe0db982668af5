"""Table [rollups] and the rules [[upstream.rollup]] of edge.toml: what of the readings goes up hourly."""

from collections.abc import Iterator, Sequence

import msgspec

from gateway.feed import TYPES, FeedError
from gateway.feed.communes import commune
from sensors.settings import Bytes, Seconds, Settings, did_you_mean


class Rule(Settings, frozen=True):
    """One [[upstream.rollup]]: a type of the feed, and which of its numbers, from which communes.

    `fields` and `communes` (official codes) left out mean all.
    """

    type: str
    fields: list[str] = msgspec.field(default_factory=list)
    communes: list[str] = msgspec.field(default_factory=list)


class Rollups(Settings, frozen=True):
    """Table [rollups]: how upstreams with `what = "rollups"` are served.

    `every` is how often readings are added to their hours; `rest` how long an hour waits after its end for
    what is still on its way; `keep` how late a reading may be. Above `max_bytes` that wait for the upstream,
    hours wait in their own file.
    """

    every: Seconds = Seconds(300)
    rest: Seconds = Seconds(300)
    keep: Seconds = Seconds(31 * 86_400)
    max_bytes: Bytes = Bytes(500_000_000)


def rollups_problems(rollups: Rollups) -> Iterator[str]:
    """Yield what is wrong with the table."""
    if not rollups.every:
        yield "[rollups] every: 0 would never rest; write 5min"


def rule_problems(rules: Sequence[Rule]) -> Iterator[str]:
    """Yield what is wrong with the rules of one upstream, one sentence a problem."""
    for number, rule in enumerate(rules, 1):
        where = f"rollup {number}"
        if rule.type not in TYPES:
            yield f"{where}: type: unknown type {rule.type!r}{did_you_mean(rule.type, TYPES)}"
            continue
        numbers = TYPES[rule.type].units
        yield from (
            f"{where}: fields: {field!r} is no number of {rule.type}{did_you_mean(field, numbers)}"
            for field in rule.fields
            if field not in numbers
        )
        for code in rule.communes:
            try:
                commune(code)
            except FeedError as error:
                yield f"{where}: communes: {error}"
