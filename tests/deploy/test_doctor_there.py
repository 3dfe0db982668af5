"""`commune doctor` on whole machines, each fault a real one: it is named with what to do, and gone after."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.deploy.lab import COMMUNE, MARKET, Lab
from tests.parts.wait import until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900), pytest.mark.xdist_group("deploy")]
CERTIFICATE = "/etc/commune/42-18562-gw-02"
STATE = "/var/lib/commune"
ASIDE = f"mkdir -p /root/aside && cp -a {CERTIFICATE}.* /root/aside/"
BACK = "cp -a /root/aside/* /etc/commune/ && systemctl restart commune-node"


class Fault(NamedTuple):
    where: str
    done: str
    undone: str
    exit_code: int = 1


FAULTS = {
    "service-stopped": Fault(MARKET, "systemctl stop commune-node", "systemctl start commune-node"),
    "service-disabled": Fault(MARKET, "systemctl disable commune-node", "systemctl enable commune-node"),
    "edge-silent": Fault(COMMUNE, "systemctl stop commune-edge", "systemctl start commune-edge"),
    "broker-away": Fault(
        MARKET, f"{ASIDE} && cp /root/strangers/* /etc/commune/ && systemctl restart commune-node", BACK
    ),
    "certificate-ends": Fault(MARKET, f"{ASIDE} && cp /root/soon/* /etc/commune/", BACK, exit_code=0),
    "upstream-refuses": Fault(
        COMMUNE,
        "cp -a /etc/commune/edge.province.token /root/ && printf wrong > /etc/commune/edge.province.token"
        " && systemctl restart commune-edge",
        "cp -a /root/edge.province.token /etc/commune/ && systemctl restart commune-edge",
    ),
    "disk-full": Fault(
        MARKET,
        f"mount -t tmpfs -o size=60m,uid=commune,mode=0750 none {STATE}",
        f"umount {STATE}",
    ),
    "config-wrong": Fault(
        MARKET,
        "cp -a /etc/commune/node.toml /root/ && sed -i 's/^gw = .*/gw = \"Gw 02\"/' /etc/commune/node.toml",
        "cp -a /root/node.toml /etc/commune/",
        exit_code=2,
    ),
}


@pytest.fixture(scope="module")
def certified(lab: Lab) -> Lab:
    """Bring certificates of a stranger's authority, and some that end soon, to the market's node."""
    for name, days in (("strangers", "730"), ("soon", "20")):
        pki = lab.folder / name
        for words in (
            ("init", "--province", "42"),
            ("issue", "node", "--commune", "18562", "--name", "gw-02", "--days", days),
        ):
            subprocess.run(
                [str(Path(sys.executable).parent / "commune"), "pki", *words, "--dir", str(pki)],
                check=True, capture_output=True,
            )  # fmt: skip
        place = lab.machines[MARKET].root / "root" / name
        place.mkdir()
        for end in ("pem", "key"):
            text = (pki / f"issued/42-18562-gw-02.{end}").read_text()
            (place / f"42-18562-gw-02.{end}").write_text(text)
        lab.machines[MARKET].run(f"chown commune: /root/{name}/* && chmod 600 /root/{name}/*")
    return lab


def examined(lab: Lab, name: str, lang: str = "en") -> tuple[int, dict[str, dict[str, str]]]:
    said = lab.machines[name].run(f"commune doctor --json --lang {lang}", check=False)
    return said.returncode, {each["code"]: each for each in json.loads(said.stdout)["symptoms"]}


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_is_named_with_what_to_do_and_gone_when_it_is_mended(certified: Lab, code: str) -> None:
    fault = FAULTS[code]
    machine = certified.machines[fault.where]
    before = examined(certified, fault.where)
    assert before[0] == 0, before
    machine.run(fault.done)
    try:
        until(
            lambda: code in examined(certified, fault.where)[1], within_s=90, what=f"the doctor to say {code}"
        )
        exit_code, found = examined(certified, fault.where)
        text = machine.run("commune doctor", check=False).stdout
        vietnamese = examined(certified, fault.where, "vi")[1][code]
    finally:
        machine.run(fault.undone)
    print(f"\n{text}")
    assert exit_code == fault.exit_code
    assert found[code]["look"]
    assert f": {vietnamese['wrong']}\n  → {vietnamese['look']}" in text
    assert vietnamese["wrong"] != found[code]["wrong"]
    until(lambda: code not in examined(certified, fault.where)[1], within_s=90, what=f"{code} to be gone")
    until(lambda: examined(certified, fault.where)[0] == 0, within_s=90, what="all to be well again")
