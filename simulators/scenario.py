"""Reads a scenario: how large a commune is, what happens in it and what breaks, and when, from one file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from gateway.feed.communes import communes
from sensors.errors import ConfigError
from sensors.settings import Seconds, Settings, did_you_mean, load
from simulators.clock import VirtualClock
from simulators.worlds.rounds import Plan
from simulators.worlds.village import Sizes, Village

Deed = Literal[
    "storm", "burst", "fire", "miss-round", "collect", "dead-lamps", "welded", "tripped", "door-open"
]
Count = Annotated[int, msgspec.Meta(ge=0, le=400)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Collection(Settings, frozen=True):
    """Table [collection]: every how many days and at which local hour a lorry comes, and what is left out."""

    every_days: Annotated[int, msgspec.Meta(ge=1, le=31)] = 2
    at_h: Annotated[float, msgspec.Meta(ge=0, lt=24)] = 6.0
    missed: Share = 0.0
    skipped: Share = 0.0


class Happening(Settings, frozen=True):
    """Table [[happening]]: what the world does so long after the start; without `for` it stays so."""

    do: Deed
    at: Seconds
    on: str = ""
    size: float | None = None
    for_: Seconds | None = msgspec.field(default=None, name="for")


class Breaking(Settings, frozen=True):
    """Table [[fault]]: what breaks in a device at a time after the start, of which size, and for how long."""

    kind: str
    at: Seconds
    on: str
    size: float = 1.0
    for_: Seconds | None = msgspec.field(default=None, name="for")


class Scenario(Settings, frozen=True):
    """A whole scenario file. `plant_t`: tonnes a day that other communes bring to the weighbridge."""

    name: str
    start: datetime
    duration: Seconds
    seed: int = 1
    commune: str = "18562"
    every: Seconds = Seconds(900)
    bins: Count = 20
    water: bool = True
    lights: bool = True
    people: Annotated[int, msgspec.Meta(ge=100, le=6000)] = 3000
    lamps: Annotated[int, msgspec.Meta(ge=1, le=200)] = 20
    weather: bool = True
    plant_t: Annotated[float, msgspec.Meta(ge=0, le=2000)] = 0.0
    collection: Collection = Collection()
    happenings: list[Happening] = msgspec.field(default_factory=list, name="happening")
    faults: list[Breaking] = msgspec.field(default_factory=list, name="fault")

    def bin_names(self) -> list[str]:
        """Return the names of its bins."""
        return [f"bin-{each:04}" for each in range(1, self.bins + 1)]

    def plan(self) -> Plan:
        """Return the collection's plan."""
        it = self.collection
        return Plan(it.every_days, it.at_h, it.missed, it.skipped)


@dataclass(frozen=True, slots=True)
class _Doing:
    """How to do a deed in a village, to what, and of which size; size 0 ends one that `lasts`."""

    act: Callable[[Village, str, float], None]
    where: Literal["bin", "water", "lights", ""] = ""
    size: float = 1.0
    lasts: bool = True


def _storm(village: Village, _on: str, _size: float) -> None:
    village.storm()


def _burst(village: Village, _on: str, size: float) -> None:
    if village.water is not None:
        village.water.burst(size)


def _fire(village: Village, on: str, size: float) -> None:
    if size:
        village.bins[on].ignite()
    else:
        village.bins[on].extinguish()


def _collect(village: Village, on: str, _size: float) -> None:
    village.rounds.collect(village.bins[on])


def _miss(village: Village, _on: str, size: float) -> None:
    village.rounds.miss_next(int(size))


def _dead_lamps(village: Village, _on: str, size: float) -> None:
    if village.lights is not None and size:
        village.lights.fail_lamps(int(size))
    elif village.lights is not None:
        village.lights.mend_lamps()


def _welded(village: Village, _on: str, size: float) -> None:
    if village.lights is not None:
        village.lights.weld(yes=size > 0)


def _tripped(village: Village, _on: str, size: float) -> None:
    if village.lights is not None:
        village.lights.trip(yes=size > 0)


def _door(village: Village, _on: str, size: float) -> None:
    if village.lights is not None:
        village.lights.open_door(yes=size > 0)


_DOINGS: Mapping[str, _Doing] = {
    "storm": _Doing(_storm, lasts=False),
    "burst": _Doing(_burst, "water", 1.5),
    "fire": _Doing(_fire, "bin"),
    "collect": _Doing(_collect, "bin", lasts=False),
    "miss-round": _Doing(_miss, lasts=False),
    "dead-lamps": _Doing(_dead_lamps, "lights"),
    "welded": _Doing(_welded, "lights"),
    "tripped": _Doing(_tripped, "lights"),
    "door-open": _Doing(_door, "lights"),
}


def read(place: Path | str) -> Scenario:
    """Read a scenario's file, or a shipped one by its name; raise ConfigError that names file and key."""
    path = Path(place)
    if not path.exists() and path.name == str(place) and not path.suffix:
        path = _shipped(path.name)
    scenario = load(path, Scenario, {})
    problems = [f"{path}: {problem}" for problem in _problems(scenario)]
    if problems:
        raise ConfigError("\n".join(problems))
    return scenario


def shipped() -> dict[str, Traversable]:
    """Return the scenarios that come with the program, by name."""
    folder = files("simulators").joinpath("scenarios")
    found = {
        each.name.removesuffix(".toml"): each for each in folder.iterdir() if each.name.endswith(".toml")
    }
    return dict(sorted(found.items()))


def village_of(scenario: Scenario, clock: VirtualClock) -> Village:
    """Make a scenario's world, with all that will happen in it on its clock."""
    sizes = Sizes(
        scenario.bin_names(),
        water=scenario.water,
        lights=scenario.lights,
        people=scenario.people,
        lamps=scenario.lamps,
        weather=scenario.weather,
        plant_t=scenario.plant_t,
        plan=scenario.plan(),
    )
    village = Village(clock, str(scenario.seed), sizes)
    _tell(scenario, village)
    return village


def _tell(scenario: Scenario, village: Village) -> None:
    for each in scenario.happenings:
        doing = _DOINGS[each.do]
        size = doing.size if each.size is None else each.size

        act = partial(doing.act, village, each.on)
        village.clock.after(each.at, partial(act, size))
        if each.for_ is not None:
            village.clock.after(each.at + each.for_, partial(act, 0.0))


def _shipped(name: str) -> Path:
    known = shipped()
    if name not in known:
        raise ConfigError(
            f"{name}: neither a file nor a scenario that comes with the program: {', '.join(known)}"
            + did_you_mean(name, known)
        )
    return Path(str(known[name]))


def _problems(it: Scenario) -> list[str]:
    found = []
    if it.start.tzinfo is None:
        found.append("start: has no zone; write 2026-09-21T00:00:00+07:00")
    if it.commune not in {each.code for each in communes()}:
        found.append(f"commune: {it.commune!r} is no commune's code, such as 18562")
    if it.every < 1:
        found.append("every: at least 1 s")
    bins = it.bin_names()
    missing = {name for name in ("water", "lights") if not getattr(it, name)}
    for number, each in enumerate(it.happenings, 1):
        where, doing = f"[[happening]] {number} ({each.do}): ", _DOINGS[each.do]
        if doing.where == "bin" and each.on not in bins:
            found.append(f"{where}on: {each.on!r} is no bin here{did_you_mean(each.on, bins)}")
        if doing.where != "bin" and each.on:
            found.append(f"{where}on: needs none, there is only one")
        if not doing.lasts and each.for_ is not None:
            found.append(f"{where}for: it is over at once; leave the key out")
        if doing.where in missing:
            found.append(f"{where}this commune has no {doing.where}; write {doing.where} = true")
        if each.at >= it.duration:
            found.append(f"{where}at: is after the scenario's end")
    found += [
        f"[[fault]] {number} ({each.kind}): at: is after the scenario's end"
        for number, each in enumerate(it.faults, 1)
        if each.at >= it.duration
    ]
    return found
