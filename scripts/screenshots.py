"""Photograph the page's views, on a phone and on a desk: docs/images/*.png, for the README and to look at."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.stage import PASSWORD, Stage, stage  # noqa: E402
from tests.browser.workbench import workbench  # noqa: E402

TARGET = ROOT / "docs" / "images"
SIZES = {"phone": (390, 844, "light"), "desktop": (1280, 800, "light"), "phone-dark": (390, 844, "dark")}
VIEWS = {
    "page": "/",
    "map": "/?view=map",
    "asset": "/asset/42/18562/water/quality-01",
    "alarms": "/alarms?state=all",
    "link": "/link",
    "install": "/install/device/ph",
    "check": "/install/check?device=ph",
    "system": "/system",
}
DARK = ("page",)
LARGEST_BYTES = 1_500_000  # all pictures together: the repository stays light


def photograph(browser: Browser, at: Stage, name: str) -> int:
    """Take the pictures of one size, logged in; return how large they are together."""
    width, height, scheme = SIZES[name]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="vi-VN",
    )
    page = context.new_page()
    page.goto(f"{at.url}/login?lang=vi")
    page.fill("[name=password]", PASSWORD)
    page.click("button.main")
    page.wait_for_url(f"{at.url}/")
    weight = 0
    for view, address in VIEWS.items():
        if scheme == "dark" and view not in DARK:
            continue
        page.goto(at.url + address)
        page.evaluate("document.fonts.ready")
        file = TARGET / f"{view}-{name}.png"
        page.screenshot(path=file)
        weight += file.stat().st_size
        print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} kB")
    context.close()
    return weight


def main() -> None:
    """Make all pictures anew. An argument names the browser's program; else playwright's own is used."""
    program = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] else None
    TARGET.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="commune-pictures-") as folder,
        workbench(Path(folder)) as (_bench, socket),
        stage(Path(folder) / "edge", desk=socket) as at,
        sync_playwright() as drive,
    ):
        at.live_through()
        browser = drive.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        weight = sum(photograph(browser, at, name) for name in SIZES)
        browser.close()
    if weight > LARGEST_BYTES:
        raise RuntimeError(f"the pictures have {weight} bytes together; {LARGEST_BYTES} is the most")


if __name__ == "__main__":
    main()
