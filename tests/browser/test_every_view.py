"""Every view, at both sizes: nobody is kept out, no word is of the wrong language, and nothing hostile runs."""
# ruff: noqa: E501 sentences and line protocol read better on one line

import re
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from gateway.feed import Meta
from gateway.spool.segment import Refused
from tests.browser.screens import ABOVE, VILLAGE, each_size, opened, seen
from tests.browser.stage import Stage
from tests.browser.village import COMMUNE, PROVINCE, alarm

pytestmark = [pytest.mark.parts, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
ONLY_VIETNAMESE = re.compile("[ăâđêôơưĂÂĐÊÔƠƯạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]")
NAMES = re.compile(
    r"Thạch Hà|Tiếng Việt|Thùng [\w ]+|Trạm [\w ]+|Nước sạch[\w ]+|Bể chứa[\w ]+|Đồng hồ[\w ]+|Tủ đèn[\w /]+|Đèn cổng[\w ]+|(Xã|Phường|Tỉnh) [\w ]+|đã cử đội đi|lô đệm 12"
)

SERIOUS = ("serious", "critical")


def rooms(at: Stage, above: Stage) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Where a page is served, and its views: at the commune, and at the province."""
    return (at.url, VILLAGE), (above.url, ABOVE)


def violations(page: Page, axe: Axe, where: str, rules: list[str]) -> list[tuple[str, str, list[str]]]:
    options = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    return [
        (where, each["id"], [node["html"][:160] for node in each["nodes"][:3]])
        for each in axe.run(page, options=options).response["violations"]
        if each["impact"] in SERIOUS
    ]


def test_no_view_has_a_serious_violation_of_accessibility_nor_is_wider_than_the_screen(
    browser: Browser, at: Stage, above: Stage
) -> None:
    axe, found = Axe(), []
    for url, views in rooms(at, above):
        with opened(browser, url) as page:
            for view in views:
                page.goto(url + view)
                for size in each_size(page):
                    for scheme, rules in (("light", []), ("dark", ["color-contrast"])):
                        page.emulate_media(color_scheme=scheme)  # it changes colours, and nothing else
                        found += violations(page, axe, f"{view} {size} {scheme}", rules)
                    wide = page.evaluate(
                        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                    )
                    assert wide <= 0, f"{view} is wider than a {size}"
    assert found == []


def test_both_languages_are_whole(browser: Browser, at: Stage, above: Stage) -> None:
    for url, views in rooms(at, above):
        with opened(browser, url, lang="en") as page:
            for view in views:
                page.goto(url + view)
                for _ in each_size(page):
                    left = NAMES.sub("", page.inner_text("body"))
                    foreign = [line for line in left.splitlines() if ONLY_VIETNAMESE.search(line)]
                    assert foreign == [], view


def test_every_view_can_be_read_without_scripts(browser: Browser, at: Stage, above: Stage) -> None:
    for url, views in rooms(at, above):
        with opened(browser, url, scripts=False) as page:
            for view in views:
                page.goto(url + view)
                for _ in each_size(page):
                    expect(page.locator("h1")).to_be_visible()
                assert len(page.inner_text("main")) > 30, view
                assert page.locator("#lost").is_hidden(), view


def test_an_alarm_is_acknowledged_with_the_keyboard_alone_and_the_focus_is_always_seen(
    browser: Browser, at: Stage
) -> None:
    raised = alarm(time.time_ns(), "lidOpen", "bin-0002", "waste", minutes=1, id="lid-1", field="status")
    at.publish([raised])
    with opened(browser, at.url) as page:
        page.goto(at.url + "/alarms")
        note = page.locator("article", has_text="Thùng trường tiểu học").locator("input[name=note]")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        expect(page.locator(".skip")).to_be_in_viewport()
        for _ in range(60):
            page.keyboard.press("Tab")
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", page.evaluate("document.activeElement.outerHTML")
            if note.evaluate("each => each === document.activeElement"):
                break
        page.keyboard.type("nắp đã đậy")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        seen(page, page.locator("article", has_text="nắp đã đậy"), "admin đã xem lúc")


def test_nothing_hostile_runs(browser: Browser, at: Stage) -> None:
    quoted = HOSTILE.replace('"', '\\"')
    now = time.time_ns() // 10**6 * 10**6
    at.publish([
        f'WasteContainer,asset=bad-1,commune={COMMUNE},domain=waste,province={PROVINCE} status="{quoted}",fillingLevel=0.5,q="{quoted}",qr="fillingLevel:<svg/onload=alert(3)>",gw="gw-01",ep="dd",seq=1i {now}',
        alarm(now, "fire", "bad-1", "waste", minutes=1, reason=quoted, field=quoted, value=quoted, limit=quoted),
    ])  # fmt: skip
    meta = Meta(
        v=1,
        type="WasteContainer",
        id="bad-1",
        name=HOSTILE,
        gw="gw-01",
        interval=60,
        staleAfter=600,
        units={"fillingLevel": HOSTILE},
    )
    at.edge.history.meta(PROVINCE, COMMUNE, "waste", meta)
    at.edge.spool.quarantine([Refused("province", "", HOSTILE, HOSTILE.encode())], now)
    key = next(each.key for each in at.edge.alarms.open_alarms() if each.asset == "bad-1")
    at.edge.alarms.acknowledge(key, HOSTILE, HOSTILE)
    with opened(browser, at.url) as page:
        for view in ("/", "/?view=map", "/asset/42/18562/waste/bad-1", "/alarms?state=all", "/link", "/install/label?key=42/18562/waste/bad-1", "/system",
                     "/?q=" + HOSTILE, "/?commune=<svg onload=alert(4)>"):  # fmt: skip
            page.goto(at.url + view)
            assert page.locator("img[src=x], main script").count() == 0
        page.goto(at.url + "/alarms?state=all")
        for _ in each_size(page):
            expect(page.locator("main")).to_contain_text(HOSTILE)
