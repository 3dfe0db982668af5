# ruff: noqa: E501 tables read better on one line
"""One page on a phone and on a desk: what is pressed can be pressed on both, what is told is seen on both."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.stage import PASSWORD

SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
WAIT_MS = 30_000  # for a condition on a busy machine; what is measured is printed
VILLAGE = ("/", "/?view=map", "/asset/42/18562/water/quality-01", "/alarms?state=all", "/link", "/install",
           "/install/device/ph", "/install/check?device=ph", "/install/label?key=42/18562/waste/bin-0001", "/system",
           "/login", "/docs")  # fmt: skip
ABOVE = ("/", "/?commune=18133", "/?all=1", "/alarms", "/link", "/system")


@contextmanager
def opened(
    browser: Browser, url: str, *, scheme: str = "light", admin: bool = True, lang: str = "vi", scripts: bool = True
) -> Iterator[Page]:  # fmt: skip
    """A page of its own; in the end nothing may have been complained of: no policy broken, no script failed."""
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", java_script_enabled=scripts
    )
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    said: list[str] = []
    page.on(
        "console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.goto(f"{url}/login?lang={lang}")
    if admin:
        page.fill("[name=password]", PASSWORD)
        page.click("button.main")
        page.wait_for_url(f"{url}/")
    yield page
    context.close()
    assert said == []


def each_size(page: Page) -> Iterator[str]:
    """Walk an open page through the sizes; it is not loaded again, as when a phone is turned."""
    for name, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        yield name


def press(page: Page, what: Locator) -> None:
    """Press something once, where at each size nothing lies over it."""
    for _ in each_size(page):
        what.click(trial=True)
    what.click()


def seen(page: Page, what: Locator, text: str) -> None:
    """Wait until something says a text, and see it at each size, no wider than the screen."""
    expect(what).to_contain_text(text, timeout=WAIT_MS)
    for size in each_size(page):
        expect(what).to_be_visible(timeout=WAIT_MS)
        box = what.bounding_box()
        assert box is not None
        assert box["x"] >= 0, (size, text)
        assert box["x"] + box["width"] <= SIZES[size][0], (size, text)


def follow(page: Page, url: str) -> None:
    """Open a page that follows the stream, and return when the edge counts it among those that listen."""
    with page.expect_response("**/v1/stream"):
        page.goto(url)
