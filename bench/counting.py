"""What it costs to count readings for the indicators, hour by hour: `python -m bench.counting`."""

import sys
import tempfile
import time
from pathlib import Path

from edge_api.alarms import AlarmBook
from edge_api.history import History
from edge_api.point import Point
from edge_api.province.config import Province
from edge_api.province.days import NS, read_day, start_of
from edge_api.province.office import open_office
from gateway.feed import TYPES
from gateway.feed.communes import communes
from simulators.fleet.assets import commune_assets

_ASSETS, _EVERY_S = 300, 60
_MIDNIGHT_NS = start_of(read_day("2026-11-20", "day"))
_FLUSH_MIN = 10  # as an edge does
_HOUR_NS = 3600 * NS


class Day:
    """Some communes' history on a clock set by hand, and the keeper that counts it."""

    def __init__(self, folder: Path, count: int) -> None:
        self.now_ns = _MIDNIGHT_NS
        self.history = History(folder / "history.db", 3, most_bytes=10**10, wall_ns=lambda: self.now_ns)
        book = AlarmBook(folder / "alarms.db", lambda _: None, lambda: 0, lambda: self.now_ns)
        config = Province(path=folder / "province.db")
        office = open_office(config, self.history, book, lambda: self.now_ns, dict)
        if office is None:
            raise SystemExit("the province's file cannot be used")
        self.keeper = office.keeper
        self.assets = [
            (place, asset)
            for place in communes()[:count]
            for asset in commune_assets(f"gw-{place.code}", _ASSETS)
        ]
        for place, asset in self.assets:
            meta = asset.meta(f"gw-{place.code}", _EVERY_S)
            self.history.meta(place.province, place.code, TYPES[asset.type].domain, meta)

    def live(self, hour: int) -> None:
        """Let an hour's readings come."""
        for minute in range(60):
            self.now_ns = _MIDNIGHT_NS + hour * _HOUR_NS + minute * 60 * NS
            points = []
            for number, (place, asset) in enumerate(self.assets):
                tags = {"province": place.province, "commune": place.code, "asset": asset.name}
                ts_ns = self.now_ns + number % 60 * NS
                seen = asset.observe(ts_ns / NS, doubtful=False)
                fields = {"gw": f"gw-{place.code}", "q": "good", **seen.fields}
                points.append(Point(asset.type, tags | {"domain": TYPES[asset.type].domain}, ts_ns, fields))
            self.history.add(points)
            if minute % _FLUSH_MIN == 0:
                self.history.flush()
        self.now_ns = _MIDNIGHT_NS + (hour + 1) * _HOUR_NS

    def count(self) -> float:
        """Count what is due; return the processor seconds."""
        began = time.process_time()
        self.keeper.work(all_of_it=True)
        return time.process_time() - began


if __name__ == "__main__":
    places, hours = (int(word) for word in [*sys.argv[1:], "6", "12"][:2])
    with tempfile.TemporaryDirectory() as name:
        day = Day(Path(name), places)
        for hour in range(hours):
            day.live(hour)
            seconds = day.count()
            each_ms = 1000 * seconds / len(day.assets)
            print(
                f"hour {hour + 1}: {len(day.assets)} assets, {seconds:.2f} processor s, {each_ms:.2f} ms each"
            )
