"""The limits that a regulation sets, as data with date and source: another regulation is another table."""

import datetime as dt
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from gateway.feed.bodies import TYPES
from sensors import settings as files
from sensors.settings import Settings, did_you_mean
from sensors.text import said

_SHIPPED = Path(__file__).with_name("limits.toml")
_EPOCH = dt.date(1970, 1, 1)


class Limit(Settings, frozen=True, rename={"since": "from"}):
    """One [[limit]]: what a field of a type may be, in its unit, from which day on, and who says so."""

    type: str
    field: str
    since: dt.date
    source: str
    low: float | None = None
    high: float | None = None
    hysteresis: float = 0.0

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise ValueError(said("a limit has low, high or both"))
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(said("low ({low}) is not below high ({high})", low=self.low, high=self.high))


class _Table(Settings, frozen=True):
    rows: list[Limit] = msgspec.field(default_factory=list, name="limit")


def shipped() -> list[Limit]:
    """Return the table that comes with the program."""
    return files.convert(tomllib.loads(_SHIPPED.read_text(encoding="utf-8")), _Table, f"{_SHIPPED}: ").rows


def problems(rows: Iterable[Limit]) -> Iterator[str]:
    """Yield what is wrong with rows of a configuration, one sentence a problem."""
    for number, row in enumerate(rows, 1):
        if row.type not in TYPES:
            yield said(
                "limit {number}: type: unknown type {type!r}{hint}",
                number=number,
                type=row.type,
                hint=did_you_mean(row.type, TYPES),
            )
        elif row.field not in TYPES[row.type].units:
            hint = did_you_mean(row.field, TYPES[row.type].units)
            yield said(
                "limit {number}: field: {type} has no field {field!r}{hint}",
                number=number,
                type=row.type,
                field=row.field,
                hint=hint,
            )


def valid(rows: Iterable[Limit], type_name: str, day: int | None) -> Sequence[Limit]:
    """Return the row of each field of a type that counts on a day (since 1970); None: the latest of all."""
    found: dict[str, Limit] = {}
    for row in rows:
        if row.type == type_name and (day is None or (row.since - _EPOCH).days <= day):
            old = found.get(row.field)
            if old is None or row.since >= old.since:
                found[row.field] = row
    return list(found.values())
