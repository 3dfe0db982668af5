"""Photograph the page's views, on a phone and on a desk: docs/images, for the README and to look at."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.life import backlog, owe  # noqa: E402
from tests.browser.stage import ABOVE, PASSWORD, Stage, stage, upstream  # noqa: E402
from tests.browser.workbench import workbench  # noqa: E402
from tests.parts.influx2 import Influx2  # noqa: E402

TARGET = ROOT / "docs" / "images"
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
SCHEMES = ("light", "dark")
VILLAGE = {
    "page": "/",
    "map": "/?view=map",
    "asset": "/asset/42/18562/water/quality-01",
    "alarms": "/alarms?state=all",
    "install": "/install",
    "device": "/install/device/ph",
    "check": "/install/check?device=ph",
    "certificate": "/install/certificate",
    "label": "/install/label?key=42/18562/waste/bin-0001",
    "system": "/system",
}
DARK = ("page", "asset", "link", "communes")  # the others are light only: the repository stays light too
LARGEST_BYTES = 3_500_000  # all pictures together
DRAIN_MS = 60_000
# A chart has a picture of its own for each size and scheme: the right one must have come.
READY = """() => {
  scrollTo(0, 0);
  return [...document.images].every((each) => {
    const sources = [...(each.closest("picture")?.querySelectorAll("source") ?? [])];
    const fits = sources.find((source) => matchMedia(source.media).matches);
    const wanted = new URL(fits ? fits.srcset : each.src, location.href).href;
    return each.currentSrc === wanted && each.complete && each.naturalWidth > 0;
  });
}"""


class Photographer:
    """Takes each picture at both sizes, some in the dark too."""

    def __init__(self, browser: Browser, target: Path, dark: Sequence[str]) -> None:
        """Put the pictures into a folder."""
        self._browser = browser
        self._target = target
        self._dark = dark
        self.weight = 0

    @contextmanager
    def visiting(self, at: Stage, door: str = "") -> Iterator[Page]:
        """Log in somewhere; `door` names a picture of the login."""
        context = self._browser.new_context(locale="vi-VN")
        page = context.new_page()
        page.goto(f"{at.url}/login?lang=vi")
        if door:
            self.take(page, door)
        page.fill("[name=password]", PASSWORD)
        page.click("button.main")
        page.wait_for_url(f"{at.url}/")
        yield page
        context.close()

    def take(self, page: Page, name: str) -> None:
        """Picture what a page shows now."""
        schemes = SCHEMES if name in self._dark else SCHEMES[:1]
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            for scheme in schemes:
                page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                page.wait_for_function(READY)
                file = self._target / f"{name}-{size}{'-dark' if scheme == 'dark' else ''}.png"
                page.screenshot(path=file)
                self.weight += file.stat().st_size
                print(f"{file.name}: {file.stat().st_size // 1000} kB")


def calibrate(taker: Photographer, page: Page, at: Stage) -> None:
    """Picture a calibration in its middle, and give it up."""
    page.goto(at.url + VILLAGE["device"])
    page.get_by_role("button", name="Hiệu chuẩn").first.click()
    page.fill("#number", "7,00")
    page.get_by_role("button", name="Tiếp").click()
    page.get_by_text("đã ổn định").wait_for(timeout=DRAIN_MS)
    taker.take(page, "calibrate")
    page.get_by_role("button", name="Hủy").click()


def village(taker: Photographer, folder: Path) -> None:
    """Picture the views of a commune; its link at last, while a backlog drains and before."""
    with (
        Influx2() as upper,
        workbench(folder) as (_bench, desk),
        stage(
            folder / "edge",
            desk=desk,
            upstreams=[upstream(upper.url, backlog_rate=20_000, max_bytes=20_000)],
        ) as at,
    ):
        at.live_through()
        owe(at)
        with taker.visiting(at, door="login") as page:
            for name, address in VILLAGE.items():
                page.goto(at.url + address)
                taker.take(page, name)
            calibrate(taker, page, at)
            upper.kill()
            backlog(at)
            page.goto(at.url + "/link")
            page.get_by_text("sẽ gửi khi có mạng trở lại").wait_for(timeout=DRAIN_MS)
            page.locator("#links .notice").wait_for(timeout=DRAIN_MS)
            taker.take(page, "broken")
            upper.restart()
            page.get_by_text("xong trong khoảng").wait_for(timeout=DRAIN_MS)
            taker.take(page, "link")


def province(taker: Photographer, folder: Path) -> None:
    """Picture the view that lists the communes."""
    with stage(folder / "province", site=ABOVE) as at:
        at.hear_of_neighbours()
        with taker.visiting(at) as page:
            page.goto(at.url)
            taker.take(page, "communes")


def main() -> None:
    """Make all pictures anew.

    The first argument names the browser's program; without it playwright's own is used. A second one names
    a folder for pictures only to be looked at: then all are taken in the dark too, and none is kept.
    """
    program, *aside = [*sys.argv[1:], ""]
    target = Path(aside[0]) if aside and aside[0] else TARGET
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="commune-pictures-") as folder, sync_playwright() as drive:
        browser = drive.chromium.launch(
            executable_path=program or None, args=["--no-sandbox", "--disable-gpu"]
        )
        taker = Photographer(
            browser, target, DARK if target == TARGET else (*VILLAGE, *DARK, "login", "broken")
        )
        village(taker, Path(folder))
        province(taker, Path(folder))
        browser.close()
    if target == TARGET and taker.weight > LARGEST_BYTES:
        raise RuntimeError(f"the pictures have {taker.weight} bytes together; {LARGEST_BYTES} is the most")


if __name__ == "__main__":
    main()
