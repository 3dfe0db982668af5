"""Photograph the commune's page while a demo runs: docs/images/*.png, for the README."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

TARGET = Path(__file__).parents[1] / "docs" / "images"
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
LIVED_S = 45  # at this speed half a day: bins have filled, the evening's lamps are lit
SPEED = 1000
LARGEST_BYTES = 200_000


@contextmanager
def demo() -> Iterator[str]:
    """Run a demo; yield the address of the commune's page once the simulated commune has lived a while."""
    command = [sys.executable, "-c", "from gateway.cli import main; main()", "demo", "--lang", "en"]
    process = subprocess.Popen([*command, "--speed", str(SPEED)], stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        if process.stdout is None:
            raise RuntimeError("the demo has no output")
        for line in process.stdout:
            if found := re.match(r"Commune: (http\S+)", line):
                break
        else:
            raise RuntimeError("the demo ended without naming its page")
        threading.Event().wait(LIVED_S)
        yield found[1]
    finally:
        process.terminate()
        process.wait(90)


def photograph(browser: Browser, url: str, file: Path, size: tuple[int, int], scheme: str) -> None:
    """Take one picture of what such a screen shows first."""
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="vi-VN",
    )
    page.goto(url)
    page.screenshot(path=file)
    page.close()
    weight = file.stat().st_size
    if weight > LARGEST_BYTES:
        raise RuntimeError(f"{file.name} has {weight} bytes; {LARGEST_BYTES} is the most for a README")
    print(f"{file.relative_to(TARGET.parents[1])}: {weight // 1000} kB")


def main() -> None:
    """Make all pictures anew. An argument names the browser's program; else playwright's own is used."""
    program = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] else None
    TARGET.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as drive, demo() as url:
        browser = drive.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for name, size in SIZES.items():
            photograph(browser, f"{url}?lang=vi&refresh=0", TARGET / f"page-{name}.png", size, "light")
        photograph(
            browser, f"{url}?lang=vi&refresh=0", TARGET / "page-phone-dark.png", SIZES["phone"], "dark"
        )
        browser.close()


if __name__ == "__main__":
    main()
