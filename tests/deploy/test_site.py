"""A commune and a province from blank cards: set up, cut off from power, upgraded badly, a node replaced."""

import json
import os
import random
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.lab import COMMUNE, MARKET, PROVINCE, ROOT, Lab, ansible, bundle, key_pair
from tests.parts.wait import until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800), pytest.mark.xdist_group("deploy")]
SERVICES = {
    PROVINCE: ("commune-edge", "influxdb", "mosquitto", "nftables"),
    COMMUNE: ("commune-edge", "commune-node", "mosquitto", "nftables"),
    MARKET: ("commune-node", "nftables"),
}
CUTS = 10


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if os.geteuid() != 0:
        pytest.fail("the machines of the lab need root")
    folder = tmp_path_factory.mktemp("deploy")
    key = key_pair(folder)
    with Lab(folder, key, bundle(folder, key)) as made:
        yield made


def tops(stored: dict[tuple[str, str], set[int]]) -> dict[str, int]:
    return {gw: max(seqs) for (gw, _), seqs in sorted(stored.items(), key=lambda item: max(item[1]))}


def changes(said: str) -> dict[str, int]:
    return {
        name: int(number)
        for name, number in re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", said, re.MULTILINE)
    }


def test_site_sets_everything_up_and_the_readings_reach_the_database(lab: Lab) -> None:
    began = time.monotonic()
    first = lab.play("site")
    took = time.monotonic() - began
    for name, units in SERVICES.items():
        for unit in units:
            assert lab.machines[name].run(f"systemctl is-active {unit}").stdout.strip() == "active"
            assert lab.machines[name].run(f"systemctl is-enabled {unit}").stdout.strip() == "enabled"
    until(lambda: set(tops(lab.stored())) == {"gw-01", "gw-02"}, within_s=120, what="readings of both nodes")
    lab.machines[MARKET].run("systemctl stop commune-node")  # see Lab.whole
    stored = lab.stored()
    print(f"\nsite.yml on three blank machines: {took:.0f} s, changed {changes(first.stdout)}")
    print(f"in the database: { ({' '.join(key): len(seqs) for key, seqs in stored.items()}) }")


def test_a_second_run_changes_nothing(lab: Lab) -> None:
    assert changes(lab.play("site").stdout) == dict.fromkeys(SERVICES, 0)


def test_the_doctor_finds_every_machine_well(lab: Lab) -> None:
    for name, machine in lab.machines.items():
        said = machine.run("commune doctor --json --lang en", check=False)
        facts = json.loads(said.stdout)
        assert [each for each in facts["symptoms"] if each["severity"] == "bad"] == [], name
        assert said.returncode == 0


def test_the_units_are_hardened(lab: Lab) -> None:
    scores = {}
    for unit in ("commune-edge", "commune-node"):
        said = lab.machines[COMMUNE].run(f"systemd-analyze security --no-pager {unit} | tail -1").stdout
        scores[unit] = float(re.search(r": ([\d.]+) ", said)[1])  # type: ignore[index]
    print(f"\nsystemd-analyze security, exposure: {scores}")
    assert scores["commune-edge"] < 5.0  # "OK" ends there
    assert scores["commune-node"] < 5.0


def test_ten_power_cuts_of_either_machine_lose_no_reading(lab: Lab) -> None:
    chance = random.Random(8)
    before = tops(lab.stored())["gw-01"]
    back = []
    for _ in range(CUTS):
        for name in (COMMUNE, PROVINCE):
            machine = lab.machines[name]
            machine.cut()
            began = time.monotonic()
            machine.boot()
            unit = SERVICES[name][0]
            until(
                lambda machine=machine, unit=unit: machine.run(f"systemctl is-active {unit}", check=False)
                .stdout.strip() == "active",
                within_s=120, what=f"{unit} of {name} to come back",
            )  # fmt: skip
            back.append(time.monotonic() - began)
            threading.Event().wait(chance.uniform(0.1, 3))  # so that the next cut meets other work
    now = lab.whole(beyond={"gw-01": before}, within_s=300)["gw-01"]
    gaps = lab.ask_edge(PROVINCE, "gaps")
    reasons = sorted({each["reason"] for each in gaps})
    print(f"\n{2 * CUTS} power cuts: back after {min(back):.1f} to {max(back):.1f} s;")
    print(f"numbers {before + 1} to {now} are all in the database; times without readings: {reasons}")
    assert set(reasons) <= {"power", "stopped"}


def broken_source(folder: Path) -> Path:
    """Return a copy of this checkout whose edge cannot start: what it relays with is broken."""
    source = folder / "broken"
    shutil.copytree(
        ROOT, source, symlinks=True,
        ignore=shutil.ignore_patterns(".venv*", ".git", "dist", "docs", "tests", "*cache*"),
    )  # fmt: skip
    (source / "docs").mkdir()
    sink = source / "edge_api/upstream/influx_v2.py"
    sink.write_text(
        sink.read_text(encoding="utf-8") + "\n\nraise RuntimeError('broken on purpose')\n", encoding="utf-8"
    )
    return source


def test_an_upgrade_that_does_not_work_goes_back_by_itself_and_says_why(lab: Lab) -> None:
    before = tops(lab.stored())["gw-01"]
    worse = bundle(lab.folder, lab.folder / "bundle.pem", "0.1.1", broken_source(lab.folder))
    began = time.monotonic()
    done = lab.play("upgrade", "-e", f"software_bundle={worse}", "--limit", COMMUNE, check=False)
    took = time.monotonic() - began
    assert done.returncode != 0
    (why,) = re.findall(rf"{COMMUNE} went back to .*", done.stdout)[:1]
    print(f"\nback after {took:.0f} s: {why.strip()}")
    assert "commune-edge" in why
    assert lab.machines[COMMUNE].run("readlink /opt/commune/current").stdout.strip() == "releases/0.1.0"
    lab.whole(beyond={"gw-01": before})


def test_an_upgrade_that_works_stays(lab: Lab) -> None:
    before = tops(lab.stored())["gw-01"]
    better = bundle(lab.folder, lab.folder / "bundle.pem", "0.1.2")
    lab.play("upgrade", "-e", f"software_bundle={better}", "--limit", COMMUNE)
    assert lab.machines[COMMUNE].run("readlink /opt/commune/current").stdout.strip() == "releases/0.1.2"
    assert json.loads(lab.machines[COMMUNE].run("commune doctor --json").stdout)["ok"]
    lab.whole(beyond={"gw-01": before})


def test_a_dead_node_is_replaced_and_the_edge_knows_where_its_old_count_ended(lab: Lab) -> None:
    kept = "/var/lib/commune/lamp.kept"  # as a meter's total is
    lab.machines[MARKET].run(f"echo 4711 > {kept}; chown commune: {kept}")
    lab.play("backup", "--limit", MARKET)
    old = tops(lab.stored())["gw-02"]
    lab.machines[MARKET].cut()  # it will not come back
    lab.machines[MARKET].lay()
    lab.machines[MARKET].boot()
    lab.play("replace-node", "--limit", MARKET)
    assert lab.machines[MARKET].run(f"cat {kept}").stdout.strip() == "4711"

    def replaced() -> list[dict[str, object]]:
        return [each for each in lab.ask_edge(COMMUNE, "gaps") if each["reason"] == "replaced"]

    until(replaced, within_s=120, what="the edge to write down that gw-02 was replaced")
    print(f"\nthe old count ended at {old} or later; the edge says {replaced()}")
    assert {each["gw"] for each in replaced()} == {"gw-02"}
    again = lab.play("replace-node", "--limit", MARKET, check=False)
    assert "is not new" in again.stdout


def test_ansible_lint_is_content_at_production_profile() -> None:
    folder = ansible()
    done = subprocess.run(
        [str(folder / "ansible-lint"), "--offline", "--nocolor", "--profile", "production", "playbooks"],
        cwd=ROOT / "deploy/ansible", capture_output=True, text=True, check=False,
        env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
