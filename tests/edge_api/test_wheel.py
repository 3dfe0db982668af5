"""The wiring pages come along in the wheel: an installed edge has no documents beside it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ASK = """
from importlib.metadata import entry_points
from edge_api.web import wiring
print(wiring.__file__)
for each in entry_points(group="commune.drivers"):
    for lang in ("vi", "en"):
        assert wiring.wiring_page(each.name, lang), (each.name, lang)
"""


@pytest.mark.lab  # the build fetches its own tools
def test_an_installed_page_shows_the_wiring_of_every_driver_outside_a_checkout(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "uv", "build", "--wheel", "--quiet", "--out-dir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, timeout=110)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    pages = {each.name for each in (ROOT / "docs" / "wiring").glob("*.md")}
    assert {each.name for each in (site / "edge_api" / "web" / "wiring").glob("*.md")} == pages
    around = os.environ | {"PYTHONPATH": str(site)}
    asked = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=tmp_path,
        env=around,
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert asked.stdout.startswith(str(site)), "the installed one, not the checkout"
