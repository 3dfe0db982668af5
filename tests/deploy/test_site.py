"""A commune and a province from blank cards: all runs, readings arrive, a second run changes nothing."""

import json
import os
import re
import subprocess

import pytest

from edge_api.broker.acl import UP
from gateway.feed.kit.listen import Broker, listen
from tests.deploy.conftest import changes
from tests.deploy.lab import COMMUNE, MARKET, PROVINCE, ROOT, Lab, ansible
from tests.parts.wait import until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800), pytest.mark.xdist_group("deploy")]
SERVICES = {
    PROVINCE: ("commune-edge", "influxdb", "mosquitto", "nftables"),
    COMMUNE: ("commune-edge", "commune-node", "mosquitto", "nftables"),
    MARKET: ("commune-node", "nftables"),
}
LISTEN_S = 45.0


def test_every_service_runs_and_the_readings_reach_the_database(lab: Lab) -> None:
    for name, units in SERVICES.items():
        for unit in units:
            assert lab.machines[name].run(f"systemctl is-active {unit}").stdout.strip() == "active"
            assert lab.machines[name].run(f"systemctl is-enabled {unit}").stdout.strip() == "enabled"

    def nodes() -> set[str]:
        return {gw for gw, _ in lab.stored()}

    until(lambda: nodes() == {"gw-01", "gw-02"}, within_s=120, what="readings of both nodes")
    stored = {f"{gw} {ep}": len(seqs) for (gw, ep), seqs in lab.stored().items()}
    print(f"\nin the database: {stored}")


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


def test_the_bridge_brings_the_feed_to_the_provinces_broker_and_nothing_else(lab: Lab) -> None:
    issued = lab.folder / "pki/issued/42-monitor-ioc"
    there = Broker(
        host=lab.machines[PROVINCE].address, port=8883, cafile=lab.folder / "pki/ca.pem",
        cert=issued.with_suffix(".pem"), key=issued.with_suffix(".key"),
    )  # fmt: skip
    channels: dict[str, int] = {}
    restarted = False
    for heard in listen(there, ["#"], LISTEN_S):
        if not restarted:  # a node that starts says since when it was silent: an event
            lab.machines[MARKET].run("systemctl restart commune-node")
            restarted = True
        *_, commune, _domain, _asset, channel = heard.topic.split("/")
        assert commune == "18562", heard.topic
        channels[channel] = channels.get(channel, 0) + 1
    print(f"\nheard at the province's broker in {LISTEN_S:.0f} s: {channels}")
    assert {"telemetry", "event", "state"} <= set(channels)
    # The province's own edge answers each node that it heard; the commune's custody stays in the commune.
    assert set(channels) <= {*UP, "custody"}


def test_ansible_lint_is_content_at_production_profile() -> None:
    folder = ansible()
    done = subprocess.run(
        [str(folder / "ansible-lint"), "--offline", "--nocolor", "--profile", "production", "playbooks"],
        cwd=ROOT / "deploy/ansible", capture_output=True, text=True, check=False,
        env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
