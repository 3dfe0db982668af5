"""Machines that lose their power without warning come back by themselves, and no reading is missing."""

import random
import threading
import time

import pytest

from tests.deploy.lab import COMMUNE, PROVINCE, Lab
from tests.parts.wait import until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800), pytest.mark.xdist_group("deploy")]
CUTS = 10


def test_ten_power_cuts_of_either_machine_lose_no_reading(lab: Lab) -> None:
    chance = random.Random(8)
    with lab.alone("gw-01"):
        ep, before = lab.newest("gw-01")
        back = []
        for _ in range(CUTS):
            for name in (COMMUNE, PROVINCE):
                machine = lab.machines[name]
                machine.cut()
                began = time.monotonic()
                machine.boot()
                until(
                    lambda machine=machine: machine.run("systemctl is-active commune-edge", check=False)
                    .stdout.strip() == "active",
                    within_s=120, what=f"the edge of {name} to come back",
                )  # fmt: skip
                back.append(time.monotonic() - began)
                threading.Event().wait(chance.uniform(0.1, 3))  # so that the next cut meets other work
        now = lab.whole("gw-01", ep, beyond=before, within_s=300)
        gaps = lab.ask_edge(PROVINCE, "gaps")
    reasons = sorted({each["reason"] for each in gaps if each["ep"] == ep})
    print(f"\n{2 * CUTS} power cuts: back after {min(back):.1f} to {max(back):.1f} s;")
    print(f"numbers {before + 1} to {now} are all in the database; times without readings: {reasons}")
    assert set(reasons) <= {"power", "stopped"}
