"""Where a treatment plant stands is told wherever its figures are: tables, report, command line."""

import csv as table
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_api.province.config import Plant
from edge_api.province.export import csv, xlsx
from edge_api.province.office import known
from edge_api.province.report import page
from edge_api.province.wording import name_and_plant
from sensors.text import translator
from tests.edge_api.province_rig import DAY, HOUR, MIDNIGHT, PLACE, Book, each

MONTH = range(DAY, DAY + 30)
BRIDGES = {side: f"42/{PLACE}/waste/bridge-{side}" for side in ("south", "north")}


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    """Ten tonnes in the south, four in the north, on one day."""
    book = Book(
        tmp_path,
        plants=[
            Plant(name=f"Nhà máy {number}", side=side, capacity=400.0, bridges=[bridge])  # type: ignore[arg-type]
            for number, (side, bridge) in enumerate(BRIDGES.items(), 1)
        ],
    )
    book.meta("gw-01", "Device")
    for _, at in each(10):
        book.say("gw-01", "Device", at, {"cpuTemperature": 50.0})
    for side, weight in (("south", 10_000.0), ("north", 4_000.0)):
        book.meta(f"bridge-{side}", "WasteObserved")
        book.say(f"bridge-{side}", "WasteObserved", MIDNIGHT + 8 * HOUR, {"weight": weight})
    book.count(24)
    yield book
    book.close()


def test_tables_have_a_column_that_says_north_or_south(book: Book) -> None:
    period = book.office.period(None, MONTH, book.now_ns)
    rows = list(table.DictReader(io.StringIO(csv(period, "en").decode("utf-8-sig"))))
    told = {(row["Code"], row["Region"]): row["Figure"] for row in rows if row["Code"] == "plant-tonnes"}
    assert told == {
        ("plant-tonnes", "north of the province"): "4.0",
        ("plant-tonnes", "south of the province"): "10.0",
    }
    assert {row["Region"] for row in rows if not row["Code"].startswith("plant")} == {""}
    with zipfile.ZipFile(io.BytesIO(xlsx(period, "vi"))) as parts:
        texts = parts.read("xl/sharedStrings.xml").decode()
    assert all(word in texts for word in ("Khu vực", "phía bắc tỉnh", "phía nam tỉnh"))


def test_a_communes_report_ends_its_waste_with_the_plants_of_the_province_north_first(book: Book) -> None:
    place = known(PLACE)
    assert place is not None
    html = page(book.office, place, MONTH, book.now_ns, "vi")
    north = html.index("Lượng rác đưa về nhà máy: Nhà máy 2 (phía bắc tỉnh)")
    south = html.index("Lượng rác đưa về nhà máy: Nhà máy 1 (phía nam tỉnh)")
    heading = html.index("Nhà máy xử lý rác của toàn tỉnh")
    assert html.index("<h2>2.") < heading < north < south < html.index("<h2>3.")


def test_a_province_without_plants_says_nothing_of_them(tmp_path: Path) -> None:
    bare = Book(tmp_path)
    try:
        place = known(PLACE)
        assert place is not None
        assert "Nhà máy xử lý rác" not in page(bare.office, place, MONTH, MIDNIGHT, "vi")
    finally:
        bare.close()


def test_a_name_in_words_carries_the_plant_and_its_region(book: Book) -> None:
    figure = book.office.period(None, MONTH, book.now_ns, "plant-load").figures[0]
    assert name_and_plant(figure, translator("en")).endswith(": Nhà máy 1 (south of the province)")
