"""The page: Vietnamese first, readable without scripts, and hostile names stay text."""

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from edge_api.lineprotocol import parse
from edge_api.web.figures import age, value_text
from gateway.feed import Meta
from gateway.feed.bodies import Location
from sensors import text
from sensors.figures import number
from sensors.text import CatalogueMissing, language, translator
from tests.edge_api.conftest import Client
from tests.edge_api.fake_edge import NOW_NS, FakeEdge

ROOT = Path(__file__).parents[2]
HOSTILE = "<script>alert('x')</script>\"&"


def add(
    edge: FakeEdge, fields: str, seconds_ago: float = 10, tags: str = "", kind: str = "WasteContainer"
) -> None:
    ts = NOW_NS - round(seconds_ago * 10**9)
    line = f"{kind},asset=bin-1,commune=18562,domain=waste,province=42{tags} {fields} {ts}"
    edge.history.add(parse(line.encode()))


def page(client: Client, question: str = "") -> str:
    answer = client.get("/" + question)
    assert answer.status == 200, answer.data
    return answer.data.decode()


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_an_asset_is_told_in_vietnamese_with_vietnamese_figures(client: Client, edge: FakeEdge) -> None:
    add(
        edge, 'fillingLevel=0.734,cargoWeight=1234.56,status="lidOpen",q="uncertain",qr="temperature:no-comm"'
    )
    edge.history.status("42", "18562", "waste", "bin-1", "online")
    html = page(client)
    told = words(html)
    for sentence in (
        "Thùng rác",
        "Mức đầy 73 %",
        "Khối lượng rác 1.234,6 kg",
        "Tình trạng nắp mở",
        "Nhiệt độ — cảm biến không trả lời",
        "chưa chắc chắn",
        "trực tuyến",
        "10 giây trước",
        "23/11/2026 12:40:00",
        "mất liên lạc, đang thử lại",
    ):
        assert sentence in told, sentence
    assert '<html lang="vi">' in html


def test_the_same_is_told_in_english_on_request(client: Client, edge: FakeEdge) -> None:
    add(edge, 'fillingLevel=0.734,cargoWeight=1234.56,status="lidOpen"')
    told = words(page(client, "?lang=en"))
    for sentence in ("Waste bin", "Filling level 73 %", "1,234.6 kg", "lid open", "10 s ago"):
        assert sentence in told, sentence


def test_everything_hostile_stays_text(client: Client, edge: FakeEdge) -> None:
    edge.name = HOSTILE
    edge.problem = HOSTILE
    fields = ",".join(
        f'{key}="{HOSTILE.replace(chr(34), chr(92) + chr(34))}"' for key in ("status", "q", "<b>")
    )
    add(edge, fields + r',qr="<i>:<u>"')
    add(edge, f'state="raised",severity="<s>",value="{HOSTILE[:8]}"', tags=",kind=<em>", kind="Alert")
    edge.history.meta(
        "42",
        "18562",
        "waste",
        Meta(
            v=1,
            type=HOSTILE,
            id="bin-1",
            name=HOSTILE,
            gw="g",
            interval=1,
            staleAfter=1,
            units={"a": HOSTILE},
        ),
    )
    edge.history.status("42", "18562", "waste", "bin-1", HOSTILE)
    html = page(client, "?commune=18562")
    assert "&lt;script&gt;" in html
    for tag in ("<script", "<i>", "<u>", "<s>", "<em>"):
        assert tag not in html.split("<body>")[1], tag
    asked = page(client, '?commune="><script>&lang=<script>&q="><script>')
    assert "<script" not in asked.split("<body>")[1]


def test_an_old_reading_is_told_to_be_out_of_date(client: Client, edge: FakeEdge) -> None:
    add(edge, "fillingLevel=0.5", seconds_ago=3 * 86_400)
    told = words(page(client))
    assert "quá hạn" in told
    assert "3 ngày trước" in told


def test_a_raised_alarm_stands_first_and_a_cleared_one_is_gone(client: Client, edge: FakeEdge) -> None:
    add(edge, 'state="raised",severity="critical"', 20, tags=",kind=binFull", kind="Alert")
    assert "thùng đầy" in page(client)
    add(edge, 'state="cleared"', 10, tags=",kind=binFull", kind="Alert")
    assert "thùng đầy" not in page(client)


def test_many_assets_are_shown_in_pages(client: Client, edge: FakeEdge) -> None:
    lines = [f"m,asset=a-{n:03d},commune={n % 2},domain=water f=1 {NOW_NS}" for n in range(450)]
    edge.history.add(parse("\n".join(lines).encode()))
    assert page(client).count('<article class="card ') == 60
    assert page(client, "?page=8").count('<article class="card ') == 30
    assert page(client, "?page=99").count('<article class="card ') == 30
    assert page(client, "?commune=1&page=4").count('<article class="card ') == 45


def test_assets_are_found_by_kind_name_and_state(client: Client, edge: FakeEdge) -> None:
    add(edge, 'fillingLevel=0.5,q="good"')
    lamp = f'm,asset=lamp-9,commune=18562,domain=lighting,province=42 f=1,q="bad" {NOW_NS}'
    edge.history.add(parse(lamp.encode()))
    questions = {"": 2, "?domain=waste": 1, "?q=LAMP": 1, "?q=nothing": 0, "?show=doubt": 1, "?show=alarm": 0}
    assert {each: page(client, each).count("<article") for each in questions} == questions


def test_without_scripts_a_page_refreshes_itself_unless_told_not_to(client: Client) -> None:
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in page(client)
    assert "http-equiv" not in page(client, "?refresh=0")


def test_nothing_comes_from_elsewhere(client: Client) -> None:
    for path in ("/", "/alarms", "/login", "/docs", "/static/style.css", "/static/live.js"):
        answer = client.get(path)
        assert answer.status == 200
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert "unsafe" not in policy
        assert b"http:" not in answer.data.replace(b"http-equiv", b"")
        assert b"https:" not in answer.data
        assert (
            re.findall(rb"<script(?! type=\"module\" src=\"/static/live.js\"></script>)", answer.data) == []
        )
        assert re.findall(rb"\son\w+=|style=", answer.data) == []


def test_the_language_is_remembered(client: Client) -> None:
    cookie = client.get("/?lang=en").headers["Set-Cookie"]
    assert "lang=en" in cookie
    assert '<html lang="en">' in client.get("/alarms", headers={"Cookie": "lang=en"}).data.decode()


def test_a_map_shows_where_assets_lie_and_says_who_has_no_place(client: Client, edge: FakeEdge) -> None:
    add(edge, "fillingLevel=0.5")
    assert "chưa thiết bị nào có tọa độ" in page(client, "?view=map").casefold()
    place = Location(lat=18.34, lon=105.9)
    meta = Meta(v=1, type="m", id="bin-1", name=HOSTILE, gw="g", interval=1, staleAfter=1, location=place)
    edge.history.meta("42", "18562", "waste", meta)
    html = page(client, "?view=map")
    assert "<svg viewBox" in html
    assert "&lt;script&gt;" in html
    assert "<script>" not in html


def test_the_description_of_the_api_is_a_plain_page(client: Client) -> None:
    told = client.get("/docs").data.decode()
    assert "POST /api/v2/write" in told
    assert "every" in told


@pytest.mark.parametrize(
    ("wanted", "code"), [(None, "vi"), ("", "vi"), ("en", "en"), ("en-GB", "en"), ("VI", "vi"), ("fr", "vi")]
)
def test_the_language_is_vietnamese_unless_we_have_the_one_wanted(wanted: str | None, code: str) -> None:
    assert language(wanted) == code


def test_a_catalogue_that_is_not_compiled_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_LOCALE", tmp_path)
    text._load.cache_clear()
    with pytest.raises(CatalogueMissing, match=r"commune\.mo is missing"):
        translator("vi")


@cache
def sentences(keyword: str) -> set[str]:
    """Find every text in the rooms that stands as an argument of a call of this name."""
    return {
        found[2]
        for room in ("sensors", "gateway", "edge_api", "simulators")
        for found in extract_from_dir(
            ROOT / room, [("**.py", "python"), ("**.html", "jinja2")], keywords={keyword: None}
        )
        if isinstance(found[2], str)
    }


@pytest.mark.slow
def test_no_sentence_is_said_without_being_marked_for_the_catalogue() -> None:
    for keyword in ("say", "translate"):
        said = sentences(keyword) - set(text.LANGUAGES)  # `say("en")` names a language
        assert said <= sentences("_")


def test_no_sentence_hides_inside_another_string_where_the_extractor_does_not_look() -> None:
    """Two stood in f-strings, were in no catalogue, and were English on a Vietnamese page."""
    hidden = re.compile(r"""f"[^"\n]*\b_\('""")
    for room in ("sensors", "gateway", "edge_api", "simulators"):
        for path in (ROOT / room).rglob("*.py"):
            assert not hidden.findall(path.read_text(encoding="utf-8")), path


HOLE = re.compile(r"\{\w*(?:!r)?(?::[^}]+)?\}")  # where a value is put into a sentence


@pytest.mark.parametrize("code", text.LANGUAGES)
def test_every_sentence_has_a_translation_and_none_is_left_over(code: str) -> None:
    used = sentences("_") | sentences("said")
    with (ROOT / f"sensors/locale/{code}/LC_MESSAGES/commune.po").open("rb") as file:
        catalogue = {message.id: message.string for message in read_po(file) if message.id}
    assert set(catalogue) == used
    assert all(catalogue.values())
    translate = translator(code)
    assert all(translate(str(key)) == value for key, value in catalogue.items()), "the compiled one is old"
    for key, value in catalogue.items():
        assert set(HOLE.findall(str(key))) == set(HOLE.findall(str(value)))


def test_figures_are_written_as_people_here_do() -> None:
    say = translator("vi")
    assert number(1234567.891, "vi") == "1.234.567,89"
    assert number(1234567, "en") == "1,234,567"
    assert value_text("temperature", 31.44, "CEL", "vi", say) == "31,4 °C"
    assert value_text("pH", 7.0, "Q30", "vi", say) == "7,00"
    assert value_text("doorOpen", True, "", "vi", say) == "có"
    assert value_text("status", "strange", "", "vi", say) == "strange"
    assert [age(s, say) for s in (-60, 0, 119, 120, 7199, 7200, 172_800)] == [
        "ở tương lai",
        "0 giây trước",
        "119 giây trước",
        "2 phút trước",
        "119 phút trước",
        "2 giờ trước",
        "2 ngày trước",
    ]
