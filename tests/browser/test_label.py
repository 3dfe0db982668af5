"""The code on a label, as a phone's camera would see it, leads to its asset's page."""

from pathlib import Path

import pytest
import zxingcpp
from playwright.sync_api import Browser, Page

from tests.browser.screens import opened
from tests.browser.stage import Stage, stage

# What is seen of the picture on the label, at the size that it has there, as bytes of grey.
SEEN = """(picture) => {
  const paper = document.createElement("canvas").getContext("2d");
  paper.canvas.width = picture.width;
  paper.canvas.height = picture.height;
  paper.drawImage(picture, 0, 0, picture.width, picture.height);
  const {data} = paper.getImageData(0, 0, picture.width, picture.height);
  return [...Array(data.length / 4).keys()].map(
    (at) => Math.round((data[4 * at] + data[4 * at + 1] + data[4 * at + 2]) / 3));
}"""


def scanned(page: Page, address: str) -> str:
    """Return the text of the one code that a decoder finds on the label."""
    page.goto(address)
    picture = page.locator(".label img")
    page.wait_for_function("document.querySelector('.label img').naturalWidth > 0")
    wide, high = picture.evaluate("(it) => [it.width, it.height]")
    grey = memoryview(bytes(picture.evaluate(SEEN))).cast("B", (high, wide))
    (code,) = zxingcpp.read_barcodes(grey)
    assert code.format == zxingcpp.BarcodeFormat.QRCode
    return str(code.text)


@pytest.mark.parametrize("size", [{"width": 390, "height": 844}, {"width": 1280, "height": 800}])
def test_a_label_that_is_scanned_leads_to_the_page_of_its_asset(
    browser: Browser, at: Stage, size: dict[str, int]
) -> None:
    key = "42/18562/waste/bin-0001"
    with opened(browser, at.url) as page:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        name = page.goto(f"{at.url}/asset/{key}") and page.locator("h1").inner_text()
        text = scanned(page, f"{at.url}/install/label?key={key}")
        assert text == f"{at.url}/asset/{key}"
        page.goto(text)
        assert page.locator("h1").inner_text() == name


def test_the_code_of_the_longest_name_can_still_be_read_at_its_size(browser: Browser, tmp_path: Path) -> None:
    name = "a" * 64
    line = f"WasteContainer,asset={name},commune=18562,domain=waste,province=42 fillingLevel=0.5 {2**60}"
    with stage(tmp_path) as lone, opened(browser, lone.url) as page:
        lone.publish([line])
        key = f"42/18562/waste/{name}"
        assert scanned(page, f"{lone.url}/install/label?key={key}") == f"{lone.url}/asset/{key}"
