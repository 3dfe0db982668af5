"""Which fields of which readings go into roll-ups: an upstream's rules, asked once a type and commune."""

from collections.abc import Sequence

from edge_api.rollups.settings import Rule
from gateway.feed import TYPES


class Choice:
    """Without rules: all numbers of waste, water and lighting; nodes say nothing of themselves."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = list(rules) or [Rule(name) for name, kind in TYPES.items() if kind.domain != "gateway"]
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}
        self._types = {rule.type for rule in self._rules}

    def fields(self, kind: str, commune: str) -> tuple[str, ...]:
        """Return the fields of a type that count in a commune; none for a type that no rule names."""
        if kind not in self._types:
            return ()
        found = self._known.get((kind, commune))
        if found is None:
            found = self._known[kind, commune] = self._chosen(kind, commune)
        return found

    def _chosen(self, kind: str, commune: str) -> tuple[str, ...]:
        chosen: dict[str, None] = {}
        for rule in self._rules:
            if rule.type == kind and (not rule.communes or commune in rule.communes):
                chosen |= dict.fromkeys(rule.fields or TYPES[kind].units)
        return tuple(chosen)
