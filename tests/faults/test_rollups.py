"""Because the central level sees hours only: a province that is killed again and again must not bend one."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.rig import EdgeProgram, v1_upstream
from tests.parts.http import ask
from tests.parts.influxd import InfluxDB
from tests.parts.victoria import VictoriaMetrics
from tests.parts.wait import until

COMMUNES = ("18562", "18073")
BINS, HOURS, PER_HOUR = 5, 6, 12
HOUR_S = 3600
BEGAN_S = 1_764_028_800 // HOUR_S * HOUR_S  # an hour in November 2025
CENTRAL = """
[rollups]
every = "0.2s"
rest = "1s"
keep = "4000d"
[[upstream]]
name = "store"
url = "http://{store}"
{central}
what = "rollups"
[[upstream.rollup]]
type = "WasteContainer"
fields = ["fillingLevel"]
"""


def body(commune: str, first: int, count: int) -> bytes:
    """Some of a commune's readings: numbered from 1 over its bins, five minutes apart."""
    lines = []
    for seq in range(first, first + count):
        number, asset = divmod(seq - 1, BINS)
        at_s = BEGAN_S + number * HOUR_S // PER_HOUR
        lines.append(
            f"WasteContainer,province=42,commune={commune},domain=waste,asset=bin-{asset}"
            f' gw="gw-{commune}",ep="aa",seq={seq}i,q="good",fillingLevel={value(seq)},temperature=30.0'
            f" {at_s}000000000"
        )
    return "\n".join(lines).encode()


def value(seq: int) -> float:
    return seq % 64 / 64


def expected() -> dict[tuple[str, str, int], list[float]]:
    """The values of each commune, bin and hour."""
    found: dict[tuple[str, str, int], list[float]] = {}
    for commune in COMMUNES:
        for seq in range(1, BINS * HOURS * PER_HOUR + 1):
            number, asset = divmod(seq - 1, BINS)
            hour_ns = (BEGAN_S + number // PER_HOUR * HOUR_S) * 1_000_000_000
            found.setdefault((commune, f"bin-{asset}", hour_ns), []).append(value(seq))
    return found


def batches() -> Iterator[tuple[str, int, int]]:
    """All readings in batches, the newest first, so that every hour is late at least once."""
    total = BINS * HOURS * PER_HOUR
    size = 40
    for first in reversed(range(1, total + 1, size)):
        for commune in COMMUNES:
            yield commune, first, min(size, total - first + 1)


def write(edge: EdgeProgram, batch: tuple[str, int, int]) -> bool:
    """Whether the edge has taken custody; while it is away it has not."""
    try:
        return ask(edge.port, "POST", "/api/v2/write", {"precision": "ns"}, body(*batch)).status == 204
    except OSError:
        return False


@pytest.mark.parts
@pytest.mark.timeout(300)
def test_a_province_killed_under_load_sends_each_hour_whole_and_once(tmp_path: Path) -> None:
    with VictoriaMetrics() as store, InfluxDB(database="central") as central:
        place = v1_upstream(central).replace('name = "influx"', 'name = "central"')
        extra = CENTRAL.format(store=store.address, central=place)
        with EdgeProgram(tmp_path / "province", 'level = "province"\nprovince = "42"', extra=extra) as edge:
            for number, batch in enumerate(batches()):
                until(lambda batch=batch: write(edge, batch), within_s=60)
                if number % 6 == 4:
                    # in the middle of whatever it does with what it has just taken
                    edge.kill()
                    edge.start()
            want = expected()
            until(lambda: settled(central, want), within_s=120, what="the central level to have every hour")
            until(edge.drained, within_s=60)
            rows = hours(central)
            raw = sum(len(set(each["timestamps"])) for each in store.export('{__name__=~".+_fillingLevel"}'))
            assert raw == sum(map(len, want.values())), "the province's own database has all readings"
        assert len(rows) == len(want)
        for row in rows:
            values = want[row["commune"], row["asset"], row["time"]]
            assert (row["province"], row["domain"]) == ("42", "waste")
            assert row["fillingLevel_count"] == len(values) == PER_HOUR
            assert row["fillingLevel_min"] == min(values)
            assert row["fillingLevel_max"] == max(values)
            assert row["fillingLevel_good"] == 1
            assert math.isclose(row["fillingLevel_mean"], sum(values) / len(values))
        assert set(central.field_types("WasteContainerHourly")) == {
            f"fillingLevel_{name}" for name in ("min", "mean", "max", "count", "good")
        }, "no field that no rule names, and no reading"
        assert [each["name"] for each in central.query("SHOW MEASUREMENTS")] == ["WasteContainerHourly"]


def hours(central: InfluxDB) -> list[dict[str, object]]:
    return central.query('SELECT * FROM "WasteContainerHourly"')


def settled(central: InfluxDB, want: dict[tuple[str, str, int], list[float]]) -> bool:
    return sum(int(str(row["fillingLevel_count"])) for row in hours(central)) == sum(map(len, want.values()))
