"""Judges each commit's readings by the rules: events, and what the rules remember, go to disk with them."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from gateway.alarms.core import MOST_AN_HOUR, State, Transition, step
from gateway.alarms.rules import PER_FIELD, QUALITY, Base, Rule, Seen, Severity
from gateway.feed import Event, Reading
from sensors.reasons import CALIBRATING
from sensors.sample import Value

log = logging.getLogger(__name__)

NOTE = "alarm "
"""Begins the key of each note in the spool that a rule's state is kept as."""
GONE = "rule-removed"
"""Reason of a `cleared`: the rule, or the asset, is no longer in the configuration."""

_MS = 1_000_000
_DAY_S, _HOUR_S = 86_400, 3600
_LOCAL_S = 7 * _HOUR_S  # Viet Nam has one time zone and no summer time
_NOT_FIELDS = frozenset({"v", "ts", "gw", "ep", "seq", "qr", "hist", "raw"})

Key = tuple[str, str]
"""An asset as domain/asset, and the name of a rule."""
Plan = Mapping[str, Sequence[Rule]]
"""The rules of each asset, by domain/asset."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One event to be committed: of which asset, when, and what it says."""

    asset: str
    mono_ns: int
    event: Event


@dataclass(slots=True)
class Judgement:
    """What a commit's readings lead to; it counts once it is on disk and `Engine.adopt` was told so."""

    alarms: list[Alarm] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    states: dict[Key, State] = field(default_factory=dict)
    bases: dict[Key, Mapping[str, Base]] = field(default_factory=dict)
    last_ns: dict[Key, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observed:
    """A reading on its way into the spool: its asset as domain/asset, its body, its monotonic time."""

    asset: str
    body: Reading
    mono_ns: int


class Engine:
    """The rules of one node. The journal's thread is the only caller."""

    def __init__(
        self,
        plan: Callable[[int | None], Plan],
        notes: Iterable[tuple[str, str]],
        *,
        gw: str,
        ep: str,
        boot: str,
        wall: Callable[[int], int | None],
        most: int = MOST_AN_HOUR,
    ) -> None:
        """Go on from the notes of before.

        `plan` gives the rules of a day (days since 1970 UTC, None while that is not known), `wall` the UTC ns
        of a monotonic time of this boot, None while the clock is not set.
        """
        self._plan = plan
        self._gw, self._ep, self._boot = gw, ep, boot
        self._wall = wall
        self._most = most
        self._day: int | None = None
        self._rules: Plan = plan(None)
        self._bases: dict[Key, Mapping[str, Base]] = {}
        self._last_ns: dict[Key, int] = {}
        self._unwritten: dict[str, str] = {}
        self._states = dict(_read(notes))
        names = {(asset, rule.name) for asset, rules in self._rules.items() for rule in rules}
        self._gone = [key for key, state in self._states.items() if key not in names and state.told]

    def raised(self) -> dict[Key, State]:
        """Return what is raised now."""
        return {key: state for key, state in self._states.items() if state.told}

    def judge(self, readings: Sequence[Observed]) -> Judgement:
        """Say what readings lead to, in their order; changes nothing, for a failed commit is repeated."""
        found = Judgement(notes=dict(self._unwritten))
        if readings:
            self._clear_gone(found, readings[0].mono_ns)
        for each in readings:
            wall_ns = self._wall(each.mono_ns)
            rules = self._of_day(wall_ns).get(each.asset, ())
            if rules:
                seen = _seen(each, self._boot, wall_ns)
                for rule in rules:
                    self._step(found, each.asset, rule, seen)
        return found

    def adopt(self, found: Judgement, *, written: bool) -> None:
        """Go on from a judgement: it is on disk, or (`written` false) there was no event that had to be."""
        self._states |= found.states
        self._bases |= found.bases
        self._last_ns |= found.last_ns
        self._unwritten = {} if written else found.notes
        if found.alarms and self._gone:
            self._gone = []
        for alarm in found.alarms:
            event = alarm.event
            said = [it for it in (event.field, event.value, event.reason) if it is not msgspec.UNSET]
            about = f" ({' '.join(map(str, said))})" if said else ""
            log.warning("%s: %s %s%s", alarm.asset, event.type, event.state, about)

    def _of_day(self, wall_ns: int | None) -> Plan:
        day = None if wall_ns is None else wall_ns // (_DAY_S * 1_000_000_000)
        if day is not None and day != self._day:
            self._day, self._rules = day, self._plan(day)
        return self._rules

    def _step(self, found: Judgement, asset: str, rule: Rule, seen: Seen) -> None:
        key = (asset, rule.name)
        before = found.states.get(key) or self._states.get(key) or State()
        bases = found.bases.get(key, self._bases.get(key, {}))
        done = step(rule, before, seen, bases, self._most)
        if done.bases != bases:
            found.bases[key] = done.bases
        if done.state != before:
            found.states[key] = done.state
            found.notes[_note(key)] = msgspec.json.encode(done.state).decode()
        for it in done.said:
            self._say(found, asset, rule, it, seen)

    def _say(self, found: Judgement, asset: str, rule: Rule, it: Transition, seen: Seen) -> None:
        kind = "flapping" if it.flapping else rule.kind
        severity: Severity = "info" if it.flapping else rule.severity
        event = self._event(asset, rule.name, kind, it, severity)
        if it.flapping:
            event.field = rule.name
            event.id = f"{event.id}-flapping"  # its number is of the flappings, not of the alarms
        elif it.field in {"", QUALITY}:
            name, reason = next(iter(seen.reasons.items()), (None, None))
            event.field = name or msgspec.UNSET
            event.reason = reason or msgspec.UNSET
            event.value = msgspec.UNSET
        self._add(found, asset, kind, event, seen.mono_ns)

    def _event(self, asset: str, rule: str, kind: str, it: Transition, severity: Severity) -> Event:
        _, _, name = asset.partition("/")
        return Event(
            v=1,
            id=f"{name}-{rule}-{self._ep}-{it.number}",
            type=kind,
            ts="",
            gw=self._gw,
            ep=self._ep,
            seq=0,
            severity=severity,
            state=it.state,
            field=it.field or msgspec.UNSET,
            value=msgspec.UNSET if it.value is None else _plain(it.value),
            limit=msgspec.UNSET if it.limit is None else it.limit,
        )

    def _add(self, found: Judgement, asset: str, kind: str, event: Event, mono_ns: int) -> None:
        """Give it a time that no other event of this asset and kind has: a point upstream is known by it."""
        key = (asset, kind)
        last_ns = found.last_ns.get(key, self._last_ns.get(key, -_MS))
        at_ns = found.last_ns[key] = max(mono_ns, last_ns + _MS)
        found.alarms.append(Alarm(asset, at_ns, event))

    def _clear_gone(self, found: Judgement, mono_ns: int) -> None:
        """What was raised by a rule that is no more is over: else it would stay open for ever."""
        for key in self._gone:
            asset, name = key
            state = self._states[key]
            kind = next((kind for kind in PER_FIELD if name.startswith(f"{kind}-")), name)
            it = Transition(False, "cleared", state.field, None, None, state.number)  # noqa: FBT003 - flapping
            event = self._event(asset, name, kind, it, "info")
            event.reason = GONE
            self._add(found, asset, kind, event, mono_ns)
            found.states[key] = State(number=state.number, flaps=state.flaps)
            found.notes[_note(key)] = msgspec.json.encode(found.states[key]).decode()


def _seen(it: Observed, boot: str, wall_ns: int | None) -> Seen:
    body = it.body
    fields: dict[str, Value] = {
        name: value
        for name in body.__struct_fields__
        if name not in _NOT_FIELDS and isinstance(value := getattr(body, name), (bool, int, float, str))
    }
    reasons: dict[str, str] = {}
    if isinstance(body.qr, str):
        for word in body.qr.split():
            name, _, reason = word.partition(":")
            reasons.setdefault(name, reason)
    if set(reasons.values()) == {CALIBRATING}:
        # A person is at it: neither a fault nor the end of one.
        del fields[QUALITY]
        reasons[QUALITY] = CALIBRATING
    hour = None
    if wall_ns is not None:
        hour = (wall_ns / 1e9 + _LOCAL_S) % _DAY_S / _HOUR_S
    return Seen(it.mono_ns, boot, fields, reasons, hour)


def _plain(value: Value) -> float | bool | str:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _note(key: Key) -> str:
    return f"{NOTE}{key[0]} {key[1]}"


def _read(notes: Iterable[tuple[str, str]]) -> Iterable[tuple[Key, State]]:
    for key, text in notes:
        asset, _, name = key.removeprefix(NOTE).partition(" ")
        try:
            yield (asset, name), msgspec.json.decode(text, type=State)
        except msgspec.MsgspecError as error:
            log.warning("what the alarm %s of %s remembered cannot be read: %s", name, asset, error)
