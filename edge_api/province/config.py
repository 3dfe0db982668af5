"""Table [province] of edge.toml: what the indicators need to know that no sensor can tell."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from gateway.feed import FeedError
from gateway.feed.communes import commune
from gateway.feed.limits import Limit
from gateway.feed.limits import problems as limit_problems
from sensors.settings import Seconds, Settings

NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Code = Annotated[str, msgspec.Meta(pattern="^[0-9]{5}$")]
AssetKey = Annotated[str, msgspec.Meta(pattern="^[0-9]{2}/[0-9]{5}/[a-z]+/[a-z0-9-]+$")]


class Plant(Settings, frozen=True):
    """One [[province.plant]]: a treatment plant, its weighbridges, and what it can take a day in tonnes."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    side: Literal["north", "south"]
    capacity: Positive
    bridges: Annotated[list[AssetKey], msgspec.Meta(min_length=1)]


class Province(Settings, frozen=True):
    """Table [province]: with it the edge counts for the programme.

    `every` is how old the figures of a running day may be. `kg_per_person` is household waste a day: 28,394 t
    a day from 63.1 million people in rural areas (State of the environment 2019, Ministry of Natural
    Resources and Environment). `respond_within`: how soon a full bin must be emptied. `twilight`: how long
    after sunset and before sunrise lamps need not burn. `supply_kpa`: the pressure from which on water is
    supplied. `night_use`: litres an hour that one person draws between two and four; an assumption: six
    people of a hundred flush ten litres once an hour (Farley, Leakage management and control, WHO 2001).
    `population` is by commune code, `baseline_kwh` what an asset drew a day before, by its key; `retired`
    says from which day on an asset is no longer expected.
    """

    path: Path = Path("/var/lib/commune/province.db")
    every: Seconds = Seconds(3600)
    keep: Seconds = Seconds(800 * 86_400)
    kg_per_person: Positive = 0.45
    respond_within: Seconds = Seconds(86_400)
    twilight: Seconds = Seconds(1800)
    supply_kpa: NotNegative = 50.0
    night_use: NotNegative = 0.6
    lat: Annotated[float, msgspec.Meta(ge=-60, le=60)] = 18.34
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] = 105.9
    population: dict[Code, Annotated[int, msgspec.Meta(ge=0)]] = msgspec.field(default_factory=dict)
    baseline_kwh: dict[AssetKey, NotNegative] = msgspec.field(default_factory=dict)
    retired: dict[AssetKey, dt.date] = msgspec.field(default_factory=dict)
    plants: list[Plant] = msgspec.field(default_factory=list, name="plant")
    limits: list[Limit] = msgspec.field(default_factory=list, name="limit")


def province_problems(config: Province | None) -> Iterator[str]:
    """Yield what is wrong with the table, one sentence a problem; without the table nothing is."""
    if config is None:
        return
    for code in config.population:
        try:
            commune(code)
        except FeedError as error:
            yield f"[province.population] {error}"
    names = Counter(plant.name for plant in config.plants)
    yield from (
        f"[[province.plant]] {name}: there are two of that name" for name, count in names.items() if count > 1
    )
    bridges = Counter(bridge for plant in config.plants for bridge in plant.bridges)
    yield from (
        f"[[province.plant]] bridges: {bridge} stands in two plants"
        for bridge, count in bridges.items()
        if count > 1
    )
    yield from (f"[province] {problem}" for problem in limit_problems(config.limits))
