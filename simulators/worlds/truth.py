"""What really happened, and when: the ground truth that events, readings and indicators are held against."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sensors.sample import Value
from simulators.clock import NS, VirtualClock

State = Literal["raised", "cleared", "done"]


@dataclass(frozen=True, slots=True)
class Truth:
    """One fact at a moment (ns since 1970, UTC): a condition begins or ends, or something was done.

    `kind` of a condition is that of the event which a perfect alarm would give, where there is one.
    """

    at_ns: int
    asset: str
    kind: str
    state: State
    facts: dict[str, Value]

    def plain(self) -> dict[str, Any]:
        """Return it as one flat table for JSON; `at` is seconds since 1970."""
        return {
            "at": self.at_ns / NS,
            "asset": self.asset,
            "kind": self.kind,
            "state": self.state,
            **self.facts,
        }


@dataclass(frozen=True, slots=True)
class Span:
    """A condition from its beginning to its end, None while it lasts."""

    asset: str
    kind: str
    from_ns: int
    to_ns: int | None


class Chronicle:
    """The list of truths of one world, in the order of time."""

    def __init__(self, clock: VirtualClock) -> None:
        self.entries: list[Truth] = []
        self._clock = clock
        self._open: set[tuple[str, str]] = set()

    def done(self, asset: str, kind: str, **facts: Value) -> None:
        """Note that something was done."""
        self._note(asset, kind, "done", facts)

    def condition(self, asset: str, kind: str, *, holds: bool, **facts: Value) -> None:
        """Note whether a condition holds; only its beginning and its end are written down."""
        if holds is not ((asset, kind) in self._open):
            (self._open.add if holds else self._open.discard)((asset, kind))
            self._note(asset, kind, "raised" if holds else "cleared", facts)

    def spans(self, kind: str | None = None) -> list[Span]:
        """Return all conditions with beginning and end, of one kind or of all, by their beginnings."""
        found: list[Span] = []
        begun: dict[tuple[str, str], int] = {}
        for each in self.entries:
            key = each.asset, each.kind
            if each.state == "raised":
                begun[key] = each.at_ns
            elif each.state == "cleared":
                found.append(Span(*key, begun.pop(key), each.at_ns))
        found += [Span(*key, from_ns, None) for key, from_ns in begun.items()]
        return sorted((each for each in found if kind in (None, each.kind)), key=lambda each: each.from_ns)

    def all(self, kind: str) -> Iterator[Truth]:
        """Yield what was noted of one kind."""
        return (each for each in self.entries if each.kind == kind)

    def _note(self, asset: str, kind: str, state: State, facts: dict[str, Value]) -> None:
        self.entries.append(Truth(self._clock.true_ns(), asset, kind, state, facts))
