"""The last days of a commune as a row of bars: every day at its place, and the same in words."""

import re
from pathlib import Path

import pytest

from edge_api.province.disk import ProvinceFile
from edge_api.province.office import _completeness
from edge_api.province.totals import CommuneDay, Total
from edge_api.web.trend import DAYS, trend
from sensors.text import translator

TODAY = 20_780  # 2026-11-23
MOST_BYTES = 600  # a commune: 69 of them make 40 kB of a page


def bars(shares: dict[int, float]) -> dict[str, list[tuple[int, int]]]:
    """Read the drawing: which places have bars, and how high these are, by tone."""
    drawn = str(trend(shares, TODAY, "en", translator("en")))
    return {
        tone: [((int(x) - 2) // 4, int(high)) for x, high in re.findall(r"M(\d+) 20v-(\d+)", path)]
        for tone, path in re.findall(r'<path class="(\w+)" d="([^"]*)"', drawn)
    }


def test_each_day_stands_at_its_place_and_one_that_was_not_counted_leaves_it_empty() -> None:
    shares = {TODAY: 1.0, TODAY - 1: 0.5, TODAY - 3: 0.98, TODAY - 13: 0.0, TODAY - 14: 1.0}
    assert bars(shares) == {"good": [(10, 20), (13, 20)], "warn": [(0, 1), (12, 10)]}


def test_whoever_sees_no_bars_hears_how_many_days_and_which_was_the_worst() -> None:
    shares = {TODAY - back: 1.0 for back in range(DAYS)} | {TODAY - 2: 0.9312}
    drawn = str(trend(shares, TODAY, "vi", translator("vi")))
    assert 'aria-label="Đã tính 14 ngày, 1 ngày thiếu; thấp nhất ngày 21/11: 93,1 %"' in drawn
    assert len(drawn.encode()) < MOST_BYTES


@pytest.mark.parametrize("shares", [{}, {TODAY - DAYS: 1.0}, {TODAY + 1: 1.0}])
def test_without_a_counted_day_nothing_is_drawn(shares: dict[int, float]) -> None:
    assert not trend(shares, TODAY, "vi", translator("vi"))


def test_the_short_way_to_what_arrived_tells_the_same_as_the_whole_rows(tmp_path: Path) -> None:
    file = ProvinceFile(tmp_path / "province.db")
    rows = [
        CommuneDay(
            commune=f"18{place:03}",
            day=TODAY - back,
            types={
                "Device": Total(assets=1, present=1_000 - back, missing={"power": place, "unknown": 1}),
                "WasteContainer": Total(assets=2, present=3, lists={"waits": [1.0] * 9}, sums={"s": 1.0}),
            },
        )
        for place in range(3)
        for back in range(4)
    ]
    file.write(commune_days=rows)
    days = range(TODAY - 2, TODAY + 1)
    whole = [_completeness(each) for each in file.commune_days(None, days)]
    assert len(whole) == 9
    assert sorted((it[0], it[2], it[3]) for it in file.arrived(days)) == sorted(
        (it.commune, it.present, it.expected) for it in whole
    )
    file.close()
