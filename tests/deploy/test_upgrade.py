"""Upgrades in rings: one that does not work goes back by itself and says why, one that works stays."""

import json
import re
import shutil
import time
from pathlib import Path

import pytest

from tests.deploy.lab import COMMUNE, MARKET, PROVINCE, ROOT, Lab, bundle

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800), pytest.mark.xdist_group("deploy")]


def broken_source(folder: Path) -> Path:
    """Return a copy of this checkout whose edge cannot start: what it relays with is broken."""
    source = folder / "broken"
    shutil.copytree(
        ROOT, source, symlinks=True,
        ignore=shutil.ignore_patterns(".venv*", ".git", "dist", "tests", "*cache*"),
    )  # fmt: skip
    sink = source / "edge_api/upstream/influx_v2.py"
    sink.write_text(
        sink.read_text(encoding="utf-8") + "\n\nraise RuntimeError('broken on purpose')\n", encoding="utf-8"
    )
    return source


def release(lab: Lab, name: str) -> str:
    return lab.machines[name].run("readlink /opt/commune/current").stdout.strip()


def test_an_upgrade_that_does_not_work_goes_back_says_why_and_stops_the_rings_behind(lab: Lab) -> None:
    with lab.alone("gw-01"):
        ep, before = lab.newest("gw-01")
        worked = release(lab, COMMUNE)
        worse = bundle(lab.folder, lab.folder / "bundle.pem", "0.1.1", broken_source(lab.folder))
        began = time.monotonic()
        words = ("-e", f"software_bundle={worse}", "--limit", f"{COMMUNE},{MARKET}")
        done = lab.play("upgrade", *words, "-e", '{"rings": [1, "100%"]}', check=False)
        took = time.monotonic() - began
        assert done.returncode != 0
        (why,) = re.findall(rf"{COMMUNE} went back to .*", done.stdout)[:1]
        print(f"\nback after {took:.0f} s: {why.strip()}")
        assert "commune-edge" in why
        assert "RuntimeError: broken on purpose" in why
        assert release(lab, COMMUNE) == worked
        assert MARKET not in done.stdout
        assert "0.1.1" not in lab.machines[MARKET].run("ls /opt/commune/releases").stdout
        lab.whole("gw-01", ep, beyond=before)


def test_an_upgrade_that_works_goes_through_all_rings_and_stays(lab: Lab) -> None:
    with lab.alone("gw-01"):
        ep, before = lab.newest("gw-01")
        better = bundle(lab.folder, lab.folder / "bundle.pem", "0.1.2")
        began = time.monotonic()
        done = lab.play("upgrade", "-e", f"software_bundle={better}", "-e", '{"rings": [1, "50%", "100%"]}')
        print(f"\nupgraded three machines in {time.monotonic() - began:.0f} s")
        assert done.stdout.count("PLAY [Upgrade]") == 3
        for name in (PROVINCE, COMMUNE, MARKET):
            assert release(lab, name) == "releases/0.1.2"
            assert json.loads(lab.machines[name].run("commune doctor --json").stdout)["ok"]
        lab.whole("gw-01", ep, beyond=before)
