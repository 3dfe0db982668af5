"""How large the hours of roll-ups are, in their file and on their way up: `python -m bench.hours`."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from isal import igzip

from edge_api.lineprotocol import encode
from edge_api.point import Point
from edge_api.rollups.choice import Choice
from edge_api.rollups.disk import HoursFile
from edge_api.rollups.hour import HOUR_NS, rolled
from gateway.feed import TYPES
from gateway.feed.communes import communes
from simulators.fleet.assets import commune_assets, marks

_COMMUNES, _ASSETS, _HOURS = 5, 300, 48
_PER_HOUR = 12  # a reading more changes digits in the sums, and no size
_FIRST_HOUR = 495_000
_A_SEGMENT = 1_000  # as the roller sends them


def readings(hour: int) -> Iterator[Point]:
    """Yield what five communes of 300 assets say in an hour."""
    for place in communes()[:_COMMUNES]:
        gw = f"gw-{place.code}"
        for number, asset in enumerate(commune_assets(gw, _ASSETS)):
            domain = TYPES[asset.type].domain
            tags = {
                "province": place.province,
                "commune": place.code,
                "domain": domain,
                "asset": asset.name,
            }
            for each in range(_PER_HOUR):
                ts_ns = hour * HOUR_NS + each * HOUR_NS // _PER_HOUR
                seen = asset.observe(ts_ns / 1e9, doubtful=False)
                seq = ((hour - _FIRST_HOUR) * _PER_HOUR + each) * _ASSETS + number + 1
                fields = {"gw": gw, "ep": "aa", "seq": seq, **marks(seen), **seen.fields}
                yield Point(asset.type, tags, ts_ns, fields)


def measure(folder: Path) -> tuple[int, int, int]:
    """Return hours of assets, the bytes of their file, and the gzipped bytes of their lines."""
    path, choice = folder / "hours.db", Choice()
    file = HoursFile(path)
    for hour in range(_FIRST_HOUR, _FIRST_HOUR + _HOURS):
        file.take(readings(hour), choice, 0, hour)
    lines: list[bytes] = []
    for key, hour_ in file.ready(_FIRST_HOUR + _HOURS, sys.maxsize):
        point = rolled(key.asset, key.kind, key.hour, hour_)
        if point is not None:
            lines.append(encode(point).encode() + b"\n")
    file.close()
    sent = sum(
        len(igzip.compress(b"".join(lines[first : first + _A_SEGMENT])))
        for first in range(0, len(lines), _A_SEGMENT)
    )
    return len(lines), path.stat().st_size, sent


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        count, disk, sent = measure(Path(name))
    each_disk, each_sent = disk / count, sent / count
    print(f"{count} hours of assets: {each_disk:.0f} bytes each on disk, {each_sent:.1f} on their way up")
