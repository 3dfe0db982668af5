"""What happens is on the page at once, on phone and desk: values, alarms, wires, calibrations, drains."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from simulators.bench import Bench
from tests.browser.life import backlog
from tests.browser.screens import WAIT_MS, each_size, follow, opened, press, seen
from tests.browser.stage import Stage
from tests.browser.village import COMMUNE, PROVINCE, alarm
from tests.parts.influx2 import Influx2

pytestmark = [pytest.mark.parts, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

IN_TIME_S = 2.0


def level(value: float) -> str:
    ts_ns = time.time_ns() // 1_000_000 * 1_000_000
    return (
        f"WasteContainer,asset=bin-0001,commune={COMMUNE},domain=waste,province={PROVINCE} "
        f'fillingLevel={value},q="good",gw="gw-01",ep="bb",seq={ts_ns % 10**9}i {ts_ns}'
    )


def test_a_value_appears_within_two_seconds_of_being_published(browser: Browser, at: Stage) -> None:
    with opened(browser, at.url, admin=False) as page:
        follow(page, at.url)
        card = page.locator("article", has_text="Thùng chợ Thạch Hà")
        values = iter((41, 52, 63, 44, 55, 66))
        for size in each_size(page):
            took = []
            for value in (next(values), next(values), next(values)):
                began = time.monotonic()
                at.publish([level(value / 100)])
                expect(card).to_contain_text(f"{value} %", timeout=WAIT_MS)
                took.append(time.monotonic() - began)
            print(f"\n{size}: values appeared after {', '.join(f'{each:.2f}' for each in took)} s")
            assert min(took) < IN_TIME_S
        follow(page, at.url + "/asset/42/18562/waste/bin-0001")
        at.publish([level(0.77)])
        seen(page, page.locator("[id^=now] dl"), "77 %")


def test_an_alarm_appears_and_is_acknowledged(browser: Browser, at: Stage) -> None:
    with opened(browser, at.url) as page:
        follow(page, at.url + "/alarms")
        opening = alarm(
            time.time_ns(), "doorOpen", "cabinet-01", "lighting", minutes=0, id="door", field="doorOpen"
        )
        at.publish([opening])
        card = page.locator("article", has_text="Tủ đèn đường 19/5")
        seen(page, card, "cửa")
        card.locator("input[name=note]").fill("đã cử đội đi")
        press(page, card.get_by_role("button", name="Đã xem"))
        seen(page, page.locator("article", has_text="đã cử đội đi"), "admin đã xem lúc")
        page.goto(at.url + "/system")
        seen(page, page.locator("table").last, "xác nhận đã xem cảnh báo")


def test_a_wiring_fault_is_shown_with_its_sentence(
    browser: Browser, at: Stage, bench_and_desk: tuple[Bench, Path]
) -> None:
    bench, _ = bench_and_desk
    with opened(browser, at.url) as page:
        page.goto(at.url + "/install")
        press(page, page.get_by_role("link", name="echo", exact=True))
        seen(page, page.locator("table").first, "GPIO23")
        distance, bench.distance_m = bench.distance_m, None  # nothing comes back
        try:
            press(page, page.get_by_role("link", name="Kiểm tra ngay"))
            told = page.locator(".notice.bad, .notice.warn").filter(visible=True)
            seen(page, told.first, "không có âm thanh dội về")
        finally:
            bench.distance_m = distance
        # it looks again by itself
        expect(page.locator("#checked article.good")).to_be_visible(timeout=WAIT_MS)


def test_a_calibration_is_carried_through_at_a_simulated_device(
    browser: Browser, at: Stage, bench_and_desk: tuple[Bench, Path]
) -> None:
    bench, _ = bench_and_desk
    with opened(browser, at.url) as page:
        page.goto(at.url + "/install/device/ph")
        first = page.locator("article", has_text="pH").get_by_role("button", name="Hiệu chuẩn").first
        press(page, first)
        for own, true in ((6.93, "7,00"), (4.08, "4,01")):
            page.fill("#number", true)
            press(page, page.get_by_role("button", name="Tiếp"))
            bench.ph = own
            seen(page, page.locator("#reading"), "đã ổn định")
            press(page, page.get_by_role("button", name="Lấy số đo này"))
        page.fill("#note", "lô đệm 12")
        press(page, page.get_by_role("button", name="Lưu kết quả"))
        seen(page, page.get_by_role("status").filter(visible=True), "Đã lưu hiệu chuẩn")
        page.goto(at.url + "/install/device/ph")
        seen(page, page.locator("table").last, "lô đệm 12")
        page.goto(at.url + "/asset/42/18562/water/quality-01")
        seen(page, page.locator("section", has_text="Hiệu chuẩn").locator("table"), "lô đệm 12")
        bench.ph = 7.21


def test_a_drain_shows_its_progress_and_its_end(browser: Browser, at: Stage, upper: Influx2) -> None:
    upper.kill()
    with opened(browser, at.url) as page:
        backlog(at)
        page.goto(at.url + "/link")
        links = page.locator("#links")
        seen(page, links, "sẽ gửi khi có mạng trở lại")
        seen(page, links.locator(".notice"), "không nhận số liệu")
        press(page, links.locator("summary"))
        expect(links.locator("details code")).to_contain_text("refused")
        upper.restart()
        # What somebody has opened does not keep the rest from going on.
        expect(links).to_contain_text("xong trong khoảng", timeout=60_000)
        expect(links.locator("details code")).to_be_visible()
        drain = page.locator("progress")
        share = drain.get_attribute("value")
        print(f"\ndrain: {share} gone when its end was told")
        assert 0 < float(share or 0) <= 1
        seen(page, page.locator(".drain"), "xong trong khoảng")
        expect(drain).to_have_count(0, timeout=60_000)
        expect(links.locator(".mark").first).to_contain_text("đã chuyển hết", timeout=WAIT_MS)


def test_a_province_sees_what_each_commune_owes_and_goes_down_to_one(browser: Browser, above: Stage) -> None:
    with opened(browser, above.url) as page:
        page.goto(above.url)
        row = page.locator("tr", has_text="Xã Hương Sơn")
        seen(page, row, "%")
        seen(page, row, "4.210")
        press(page, row.get_by_role("link"))
        seen(page, page.locator("h1"), "Xã Hương Sơn")
        expect(page.locator("article")).to_have_count(7)
