# ruff: noqa: E501 tables of cases and line protocol read better on one line
"""The page's views: who may see and do what in them, and that nothing foreign gets into them."""

import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_api.api.app import create_app
from edge_api.history import Row
from edge_api.limits import Limits
from edge_api.lineprotocol import parse
from edge_api.web.accounts import Accounts, set_password
from edge_api.web.actions import Action, Actions
from edge_api.web.series import series
from edge_api.web.settings import Page
from gateway.feed import Meta
from sensors.errors import ConfigError
from sensors.settings import Seconds
from tests.edge_api.conftest import Client, Switch
from tests.edge_api.fake_edge import NOW_NS, FakeEdge

PASSWORD = "mật khẩu dài"
KEY = "42/18562/waste/bin-1"
HOSTILE = "<script>alert('x')</script>\"&"


@pytest.fixture
def page(tmp_path: Path) -> Page:
    settings = Page(accounts=tmp_path / "accounts", actions=tmp_path / "actions.log", session=Seconds(600))
    set_password(settings.accounts, "lan", "admin", PASSWORD)
    set_password(settings.accounts, "ba", "read", PASSWORD)
    return settings


@pytest.fixture
def view(edge: FakeEdge, server: tuple[Switch, Client], page: Page) -> Iterator[Client]:
    switch, client = server
    switch.app = create_app(edge, callers=Limits(wrong_tokens=3), page=page)
    return client


def post(client: Client, path: str, cookie: str = "", **fields: str):
    headers = {"Content-Type": "application/x-www-form-urlencoded"} | ({"Cookie": cookie} if cookie else {})
    body = urllib.parse.urlencode(fields)
    return client.pool.request("POST", client.url + path, body=body, headers=headers, redirect=False)


def login(client: Client, name: str = "lan") -> str:
    answer = post(client, "/login", name=name, password=PASSWORD)
    assert answer.status == 303, answer.data
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    return cookie.partition(";")[0]


def html(client: Client, path: str, cookie: str = "") -> str:
    answer = client.pool.request(
        "GET", client.url + path, headers={"Cookie": cookie} if cookie else {}, redirect=False
    )
    assert answer.status == 200, (answer.status, answer.data[:300])
    return answer.data.decode()


def csrf(client: Client, cookie: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', html(client, "/", cookie))
    assert found
    return found[1]


def alarm(edge: FakeEdge, note: str = "") -> str:
    edge.history.add(parse((
        "Alert,asset=bin-1,commune=18562,domain=waste,kind=binFull,province=42 "
        f'state="raised",severity="warning",id="binFull-1",field="fillingLevel",value=0.95,limit=0.9 {NOW_NS}'
    ).encode()))  # fmt: skip
    return edge.alarms.open_alarms()[0].key


def test_a_wrong_password_is_refused_and_too_many_are_made_to_wait(view: Client) -> None:
    answers = [post(view, "/login", name="lan", password="wrong").status for _ in range(5)]
    assert answers == [403, 403, 403, 429, 429]
    assert post(view, "/login", name="lan", password=PASSWORD).status == 429, "guessing on is of no use"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
    answer = view.pool.request("POST", view.url + "/login", body="name=lan&password=x", headers=headers)
    assert answer.status == 429
    assert f"Chờ {answer.headers['Retry-After']} giây rồi thử lại." in answer.data.decode()


def test_nobody_is_led_elsewhere_after_a_login(view: Client) -> None:
    for to in ("//evil.vn", "/\\evil.vn", "https://evil.vn", "javascript:x", "/\nx"):
        answer = post(view, "/login", name="lan", password=PASSWORD, next=to)
        assert answer.headers["Location"] == "/"
    assert (
        post(view, "/login", name="lan", password=PASSWORD, next="/alarms?a=1").headers["Location"]
        == "/alarms?a=1"
    )


def test_an_alarm_is_acknowledged_by_who_is_logged_in_and_it_is_written_down(
    view: Client, edge: FakeEdge, page: Page
) -> None:
    key = alarm(edge)
    assert "Đăng nhập để xác nhận" in html(view, "/alarms")
    cookie = login(view)
    word = csrf(view, cookie)
    answer = post(view, f"/alarms/{key}/seen", cookie, csrf=word, note="đã cử đội")
    assert answer.status == 303
    told = html(view, "/alarms", cookie)
    assert "lan đã xem lúc" in told
    assert "đã cử đội" in told
    assert "xác nhận đã xem cảnh báo" in html(view, "/system", cookie)
    assert [each.who for each in Actions(page.actions).newest()] == ["lan", "lan"]


@pytest.mark.parametrize(
    "path", ["/alarms/x/seen", "/link/quarantine/1/replay", "/link/quarantine/1/drop", "/install/calibrate"]
)
def test_nothing_is_changed_without_a_login_its_own_form_and_the_role(view: Client, path: str) -> None:
    assert post(view, path).headers["Location"].startswith("/login")
    assert post(view, path, login(view, "ba"), csrf="x").headers["Location"].startswith("/login")
    cookie = login(view)
    assert post(view, path, cookie).status == 403
    assert post(view, path, cookie, csrf="wrong").status == 403
    elsewhere = view.pool.request(
        "POST", view.url + path, body=f"csrf={csrf(view, cookie)}", redirect=False,
        headers={"Cookie": cookie, "Origin": "http://evil.vn"},
    )  # fmt: skip
    assert elsewhere.status == 403


def test_a_session_ends_with_its_logout(view: Client) -> None:
    cookie = login(view)
    assert post(view, "/logout", cookie, csrf=csrf(view, cookie)).status == 303
    assert "Đăng xuất" not in html(view, "/", cookie)


def test_where_reading_is_closed_only_a_login_opens_views_pictures_and_the_stream(
    view: Client, edge: FakeEdge
) -> None:
    edge.open_reading = False
    edge.history.add(parse(f"m,asset=bin-1,commune=18562,domain=waste,province=42 f=1.0 {NOW_NS}".encode()))
    paths = [
        "/",
        "/alarms",
        "/link",
        "/system",
        "/install",
        f"/asset/{KEY}",
        f"/chart.svg?key={KEY}&field=f",
        f"/history.csv?key={KEY}",
        f"/live/cards?key={KEY}",
    ]
    for path in paths:
        answer = view.pool.request("GET", view.url + path, redirect=False)
        assert (answer.status, answer.headers["Location"][:6]) == (303, "/login"), path
    assert view.get("/v1/assets").status == 401
    cookie = login(view, "ba")
    for path in paths:
        assert html(view, path, cookie)
    assert view.get("/v1/assets", headers={"Cookie": cookie}).status == 200
    assert view.get("/v1/export", headers={"Cookie": cookie}).status == 401, (
        "a session never opens the changing API"
    )


def test_passwords_are_kept_as_hashes_for_one_persons_eyes(page: Page) -> None:
    assert page.accounts.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in page.accounts.read_text()
    accounts = Accounts(page.accounts)
    assert [accounts.role("lan", PASSWORD), accounts.role("lan", "x"), accounts.role("nobody", "x")] == [
        "admin",
        None,
        None,
    ]
    with pytest.raises(ConfigError, match="too short"):
        set_password(page.accounts, "lan", "admin", "short")
    page.accounts.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod"):
        accounts.role("lan", PASSWORD)


def test_actions_survive_half_a_line_and_stay_bounded(tmp_path: Path) -> None:
    path = tmp_path / "actions"
    path.write_bytes(b'{"ts_ns":1,"who":"a","what":"login"}\n{"ts_ns":2,"wh')
    assert [each.who for each in Actions(path).newest()] == ["a"]
    actions = Actions(path)
    for number in range(3):
        actions.note(Action(number, "b" * 250_000, "login"))
    assert path.with_name("actions.1").exists()


def test_the_link_says_what_waits_is_missing_and_was_refused(view: Client) -> None:
    told = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html(view, "/link")))
    for sentence in (
        "mất liên lạc, đang thử lại",
        "12.345",
        "7 ngày",
        "&lt;b&gt;timed out",
        "1.234.567",
        "chỗ",
        "field type conflict",
        "m a=1 1",
    ):
        assert sentence in told, sentence
    assert "Send it again" not in html(view, "/link?lang=en")
    assert "Send it again" in html(view, "/link?lang=en", login(view))


def test_the_system_view_shows_when_certificates_end(view: Client) -> None:
    told = html(view, "/system")
    assert "[mqtt] cert_file" in told
    assert "còn 8 ngày" in told
    assert "Đăng nhập để xem" in told


def test_without_a_desk_the_assistant_says_what_to_write(view: Client) -> None:
    assert "socket = &#34;/run" in html(view, "/install") or 'socket = "/run' in html(view, "/install")


def test_a_province_sees_its_communes_and_goes_down_to_one(view: Client, edge: FakeEdge) -> None:
    edge.level = "province"
    line = "WasteContainer,asset=bin-1,commune={},domain=waste,province=42 fillingLevel=0.5 {}"
    edge.history.add(
        parse("\n".join([line.format("18562", NOW_NS), line.format("18568", NOW_NS - 10**13)]).encode())
    )
    told = html(view, "/")
    assert told.index("?commune=18568") < told.index("?commune=18562"), "the silent one first"
    assert "3 giờ trước" not in told.split("?commune=18562")[1]
    assert html(view, "/?commune=18562").count("<article") == 1


def test_readings_go_into_a_spreadsheet_and_no_cell_is_a_formula(view: Client, edge: FakeEdge) -> None:
    tags = "WasteContainer,asset=bin-1,commune=18562,domain=waste,province=42"
    edge.history.add(
        parse(
            f'{tags} fillingLevel=0.5,status="=1+1",q="uncertain",qr="fillingLevel:range" {NOW_NS}'.encode()
        )
    )
    answer = view.get(f"/history.csv?key={KEY}&lang=en")
    assert answer.data.decode().splitlines() == [
        "\ufeffTime (UTC+7),ts,fillingLevel,status,q,qr",
        "2026-11-23 12:40:00,2026-11-23T05:40:00.000Z,0.5,'=1+1,uncertain,fillingLevel:range",
    ]
    here = view.get(f"/history.csv?key={KEY}&lang=vi").data.decode()
    assert ";fillingLevel;" in here
    assert ";0,5;" in here, "a spreadsheet with a decimal comma would take 1.234 for a thousand"


def test_a_chart_is_a_picture_with_a_policy_of_its_own(view: Client, edge: FakeEdge) -> None:
    tags = "WasteContainer,asset=bin-1,commune=18562,domain=waste,province=42"
    edge.history.add(
        parse("\n".join(f"{tags} fillingLevel=0.{n} {NOW_NS - n * 10**11}" for n in range(1, 9)).encode())
    )
    meta = Meta(
        v=1,
        type="WasteContainer",
        id="bin-1",
        name=HOSTILE,
        gw="g",
        interval=60,
        staleAfter=180,
        limits={"fillingLevel": [0.0, 0.9]},
    )
    edge.history.meta("42", "18562", "waste", meta)
    answer = view.get(f"/chart.svg?key={KEY}&field=fillingLevel&span=hour")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert (
        answer.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    )
    assert b"<script" not in answer.data
    assert b'href="http' not in answer.data
    told = html(view, f"/asset/{KEY}?span=hour")
    assert "thấp nhất 10 %, cao nhất 80 %" in told
    assert '<li class="limit">cho phép: 0 … 90 %</li>' in told, "what the dashed lines mean, the unit once"
    assert "commune node calibrate --list" in told, "why no calibration is shown, and where they are"
    assert "<script>alert" not in told


def test_good_quality_is_never_red_and_a_lost_node_is(view: Client, edge: FakeEdge) -> None:
    alarm(edge)
    line = 'WasteContainer,asset=bin-1,commune=18562,domain=waste,province=42 fillingLevel=0.5,q="good"'
    edge.history.add(parse(f"{line} {NOW_NS}".encode()))
    edge.history.status("42", "18562", "waste", "bin-1", "offline")
    for path in ("/", f"/asset/{KEY}"):
        told = html(view, path)
        assert 'card bad"' in told or 'card wide bad"' in told
        assert '<span class="mark good">tốt</span>' in told
        assert '<span class="mark bad">' in told


def test_a_line_breaks_where_readings_are_missing_and_doubts_are_marked() -> None:
    s = 10**9
    rows = [Row(0, 1.0), Row(10 * s, 2.0), Row(100 * s, 3.0)]
    found = series("a", rows, [Row(10 * s, "uncertain"), Row(50 * s, "bad"), Row(100 * s, "uncertain")],
                   [Row(10 * s, "a:range"), Row(50 * s, "a:crc"), Row(100 * s, "b:crc")], every_s=10, stale_after_s=20)  # fmt: skip
    assert found.line == [(0.0, 1.0), (10.0, 2.0), (20.0, None), (100.0, 3.0)]
    assert found.uncertain == [(10.0, 2.0)]
    assert found.bad == [50]
