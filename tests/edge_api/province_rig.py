"""Because the province's figures are checked against ones computed by hand: a day written by the clock."""

from collections.abc import Callable, Iterator
from pathlib import Path

from edge_api.alarms import AlarmBook
from edge_api.history import History
from edge_api.point import Point
from edge_api.province.config import Province
from edge_api.province.days import read_day, start_of
from edge_api.province.figures import Figure
from edge_api.province.office import Office, open_office
from gateway.feed import TYPES, Meta

S = 1_000_000_000
MINUTE, HOUR = 60 * S, 3600 * S
DAY = read_day("2026-11-20", "day")
MIDNIGHT = start_of(DAY)
PLACE = "18562"
Fields = dict[str, float | str | bool | int]


class Book:
    """An office with a real history and alarm book, and a clock that is set by hand."""

    def __init__(self, folder: Path, **config: object) -> None:
        self.now_ns = MIDNIGHT
        self.folder = folder
        self.config = Province(path=folder / "province.db", **config)  # type: ignore[arg-type]
        self.outages: dict[str, list[tuple[int, int, str]]] = {}
        self.open()

    def open(self) -> None:
        self.history = History(self.folder / "history.db", wall_ns=lambda: self.now_ns)
        self.alarms = AlarmBook(
            self.folder / "alarms.db", lambda _: None, lambda: 0, lambda: self.now_ns, most_kept=100
        )
        self.history.listen(self.alarms.take)
        office = open_office(
            self.config, self.history, self.alarms, lambda: self.now_ns, lambda: self.outages
        )
        assert office is not None
        self.office: Office = office

    def close(self) -> None:
        self.office.keeper.close()
        self.history.close()
        self.alarms.close()

    def meta(self, asset: str, type_name: str, every_s: float = 600, gw: str = "gw-01") -> None:
        body = Meta(
            v=1, type=type_name, id=asset, name=asset, gw=gw, interval=every_s, staleAfter=3 * every_s
        )
        self.history.meta("42", PLACE, TYPES[type_name].domain, body)

    def say(self, asset: str, type_name: str, at_ns: int, fields: Fields, **marks: str) -> None:
        """A reading arrives at the time it was taken, or later when the clock is already past it."""
        self.now_ns = max(self.now_ns, at_ns)
        tags = {"province": "42", "commune": PLACE, "domain": TYPES[type_name].domain, "asset": asset}
        point = Point(type_name, tags, at_ns, {"gw": "gw-01", "q": "good", **fields, **marks})
        self.history.add([point])

    def count(self, hour: float) -> None:
        """Set the clock to so many hours after the day began, and count all that is due."""
        self.now_ns = MIDNIGHT + round(hour * HOUR)
        self.office.keeper.work(all_of_it=True)

    def figure(self, name: str, days: range = range(DAY, DAY + 1), place: str | None = PLACE) -> Figure:
        """One figure of the day."""
        (found,) = self.office.period(place, days, self.now_ns, name).figures
        return found


def each(minutes: float, first_h: float = 0, last_h: float = 24) -> Iterator[tuple[float, int]]:
    """Yield hour and time, evenly, from one hour of the day to another."""
    for number in range(round((last_h - first_h) * 60 / minutes)):
        hour = round(first_h + number * minutes / 60, 6)
        yield hour, MIDNIGHT + round(hour * 3600) * S


def by_hour(*steps: tuple[float, float]) -> Callable[[float], float]:
    """A value that changes at hours: (hour, value) pairs, in order."""

    def value(hour: float) -> float:
        return [found for begin, found in steps if hour >= begin][-1]

    return value
