"""How much disk a reading takes in an InfluxDB 1.x, all its fields, compacted: `python -m bench.stored`."""

import random
import time
from pathlib import Path

from edge_api.lineprotocol import encode
from edge_api.point import Point
from gateway.feed import TYPES
from gateway.feed.communes import communes
from simulators.fleet.assets import Asset, commune_assets, marks
from tests.parts.influxd import InfluxDB
from tests.parts.wait import until

_ASSETS, _DAYS, _EVERY_S = 60, 3, 60
_BEGAN_S = 1_788_220_800  # a Tuesday in September 2026
_JITTER_S = 0.05  # a node reads when it is its turn, not on the second
_STILL_S = 20.0
_SOON = """[data]
compact-full-write-cold-duration = "5s"
cache-snapshot-write-cold-duration = "1s"
"""


class Impatient(InfluxDB):
    """One that compacts as soon as nothing is written, not four hours later."""

    def arguments(self) -> list[str]:
        """Write influxdb.conf and point the daemon to it."""
        words = super().arguments()
        config = Path(words[-1])
        config.write_text(config.read_text().replace("[data]\n", _SOON, 1))
        return words

    def bytes_of(self, ending: str) -> int:
        """Return the bytes of all its files of a kind: tsm for readings, wal for what is not there yet."""
        return sum(each.stat().st_size for each in self.folder.rglob(f"*.{ending}"))


def line(asset: Asset, tags: dict[str, str], seq: int, at_s: float) -> str:
    """Write a reading as the edge does."""
    seen = asset.observe(at_s, doubtful=False)
    fields = {"gw": "gw-01", "ep": "7f3a9c", "seq": seq, **marks(seen), **seen.fields}
    return encode(Point(asset.type, tags, int(at_s * 1000) * 1_000_000, fields))


def fill(database: InfluxDB) -> int:
    """Write three days of sixty assets; return how many readings."""
    place = communes()[0]
    rng = random.Random(1)
    owned = commune_assets("gw-01", _ASSETS)
    head = {"province": place.province, "commune": place.code}
    tags = [{**head, "domain": TYPES[each.type].domain, "asset": each.name} for each in owned]
    seq = 0
    for minute in range(_DAYS * 86_400 // _EVERY_S):
        lines = []
        for number, asset in enumerate(owned):
            seq += 1
            at_s = _BEGAN_S + minute * _EVERY_S + number + rng.random() * _JITTER_S
            lines.append(line(asset, tags[number], seq, at_s))
        database.write("\n".join(lines))
    return seq


def measure() -> tuple[int, int]:
    """Return how many readings, and the bytes that they take."""
    with Impatient() as database:
        count = fill(database)
        seen = (-1, time.monotonic())

        def still() -> bool:
            nonlocal seen
            size = database.bytes_of("tsm")
            if size != seen[0]:
                seen = (size, time.monotonic())
            return time.monotonic() - seen[1] > _STILL_S and size > database.bytes_of("wal")

        until(still, within_s=600, what="the database to rest")
        return count, database.bytes_of("tsm")


if __name__ == "__main__":
    readings, size = measure()
    print(f"{readings} readings take {size} bytes: {size / readings:.1f} each")
