"""From a rule and a stream of readings to raised and cleared, each once: pure, so that it can be proved.

A state is all that a rule remembers. It is small, it changes seldom, and it goes to disk in the commit that
holds the event it led to: a kill between the two cannot be.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
from msgspec import Struct

from gateway.alarms.rules import Base, Rule, Seen, bases_after, judge
from sensors.sample import Value

MOST_AN_HOUR = 6
"""Transitions that one alarm may have in an hour; what comes and goes faster is held raised as flapping."""
HOUR_NS = 3600 * 1_000_000_000

_NO_BASES: dict[str, Base] = {}


class State(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a rule remembers between two readings. Times are monotonic ns of `boot`.

    `on` is what holds, `told` what was last said; they differ only while `flapping`. `since_ns` and `count`
    are of a condition that is not raised yet; once it is, `count` is of the readings that say it is over.
    `number` counts the alarms of this rule, `flaps` how often they flapped, `held` the changes that flapping
    kept back.
    """

    boot: str = ""
    on: bool = False
    told: bool = False
    number: int = 0
    since_ns: int | None = None
    count: int = 0
    field: str = ""
    limit: float | None = None
    times: tuple[int, ...] = ()
    changed_ns: int = 0
    flapping: bool = False
    held: int = 0
    flaps: int = 0


@dataclass(frozen=True, slots=True)
class Transition:
    """One event to be: the alarm itself, or that it is held back as flapping (`value`: changes kept back)."""

    flapping: bool
    state: Literal["raised", "cleared"]
    field: str
    value: Value | None
    limit: float | None
    number: int


@dataclass(frozen=True, slots=True)
class Step:
    """A rule's state after a reading, what is to be said of it, and what the next one is compared with."""

    state: State
    said: tuple[Transition, ...]
    bases: Mapping[str, Base]


def step(
    rule: Rule, state: State, seen: Seen, bases: Mapping[str, Base] = _NO_BASES, most: int = MOST_AN_HOUR
) -> Step:
    """Take in one reading. Readings of an asset come in the order of time."""
    truth = judge(rule, seen, bases, on=state.on)
    after = bases_after(rule, seen, bases)
    state = _of_boot(state, seen)
    if truth.holds is None:
        return Step(state, (), after)
    field = truth.field or state.field
    limit = truth.limit if truth.holds or state.limit is None else state.limit
    state = _follow(rule, state, seen, holds=truth.holds)
    if state.on and not state.told:
        state = msgspec.structs.replace(state, field=field, limit=limit, number=state.number + 1)
    state, said = _tell(state, seen, truth.value, most)
    return Step(state, said, after)


def _of_boot(state: State, seen: Seen) -> State:
    """Carry a state into this boot: how long the power was off is not known, so all times begin anew."""
    if state.boot == seen.boot:
        return state
    now_ns = seen.mono_ns
    return msgspec.structs.replace(
        state,
        boot=seen.boot if state != State() else "",
        since_ns=None if state.since_ns is None else now_ns,
        times=(now_ns,) * len(state.times),
        changed_ns=now_ns if state.flapping else 0,
    )


def _follow(rule: Rule, state: State, seen: Seen, *, holds: bool) -> State:
    """Let `on` follow the condition, after its delay."""
    change = msgspec.structs.replace
    if state.on:
        if holds:
            return change(state, count=0) if state.count else state
        if state.count + 1 < rule.end_readings:
            return change(state, count=state.count + 1)
        return change(state, on=False, changed_ns=seen.mono_ns, count=0)
    if not holds:
        return change(state, since_ns=None, count=0) if state.count else state
    since_ns = seen.mono_ns if state.since_ns is None else state.since_ns
    count = state.count + 1
    if count >= rule.readings and seen.mono_ns - since_ns >= rule.delay_s * 1e9:
        return change(state, boot=seen.boot, on=True, since_ns=None, count=0, changed_ns=seen.mono_ns)
    # Past its number a further reading changes nothing that is worth a write.
    count = min(count, rule.readings)
    return change(state, boot=seen.boot, since_ns=since_ns, count=count)


def _tell(state: State, seen: Seen, value: Value | None, most: int) -> tuple[State, tuple[Transition, ...]]:
    """Say what has changed, unless it changes too often: then it is held raised until an hour was quiet."""
    now_ns, change = seen.mono_ns, msgspec.structs.replace
    if state.flapping:
        return _hold(state, now_ns, value)
    if state.on == state.told:
        return state, ()
    times = tuple(each for each in state.times if now_ns - each < HOUR_NS)
    if state.on:
        return _said(change(state, times=times), "raised", value, now_ns)
    if len(times) >= most - 1:
        state = change(state, flapping=True, held=1, times=times, flaps=state.flaps + 1)
        return state, (Transition(True, "raised", state.field, 1, None, state.flaps),)  # noqa: FBT003 - flapping
    return _said(change(state, times=times), "cleared", value, now_ns)


def _hold(state: State, now_ns: int, value: Value | None) -> tuple[State, tuple[Transition, ...]]:
    """Keep a flapping alarm raised, and count, until nothing has changed for an hour."""
    if state.changed_ns == now_ns:
        return msgspec.structs.replace(state, held=state.held + 1), ()
    if now_ns - state.changed_ns < HOUR_NS:
        return state, ()
    over = Transition(True, "cleared", state.field, state.held, None, state.flaps)  # noqa: FBT003 - flapping
    state = msgspec.structs.replace(state, flapping=False, held=0, times=())
    return (state, (over,)) if state.on else _said(state, "cleared", value, now_ns, before=(over,))


def _said(
    state: State,
    word: Literal["raised", "cleared"],
    value: Value | None,
    now_ns: int,
    before: tuple[Transition, ...] = (),
) -> tuple[State, tuple[Transition, ...]]:
    it = Transition(False, word, state.field, value, state.limit, state.number)  # noqa: FBT003 - flapping
    state = msgspec.structs.replace(state, told=word == "raised", times=(*state.times, now_ns))
    return state, (*before, it)
