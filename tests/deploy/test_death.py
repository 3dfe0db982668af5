"""Machines that die: an edge comes back from its backup, a node gives way to another; no gap is silent."""

import time

import pytest

from tests.deploy.lab import COMMUNE, MARKET, PROVINCE, Lab
from tests.parts.wait import until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800), pytest.mark.xdist_group("deploy")]
KEPT = "/var/lib/commune/lamp.kept"  # as a meter's total is


def replaced(lab: Lab, edge: str, gw: str, ep: str) -> list[dict[str, object]]:
    wanted = {"reason": "replaced", "gw": gw, "ep": ep}
    return [each for each in lab.ask_edge(edge, "gaps") if wanted.items() <= each.items()]


def test_a_commune_whose_card_died_comes_back_from_its_backup(lab: Lab) -> None:
    machine = lab.machines[COMMUNE]
    with lab.alone("gw-01"):
        old, known = lab.newest("gw-01")
        machine.run(f"echo 815 > {KEPT}; chown commune: {KEPT}")
        lab.play("backup", "--limit", COMMUNE)
        lab.whole("gw-01", old, beyond=known)  # what the backup does not know is at the province
        refused = lab.play("restore", "--limit", COMMUNE, check=False)
        assert "has readings of its own" in refused.stdout
        machine.cut()
        machine.lay()
        machine.boot()
        began = time.monotonic()
        lab.play("restore", "--limit", COMMUNE)
        took = time.monotonic() - began
        assert machine.run(f"cat {KEPT}").stdout.strip() == "815"
        until(lambda: lab.newest("gw-01")[0] != old, within_s=120, what="readings of the new count")
        new, _ = lab.newest("gw-01")
        last = lab.whole("gw-01", new, beyond=0)
        until(
            lambda: replaced(lab, COMMUNE, "gw-01", old) and replaced(lab, PROVINCE, "gw-01", old),
            within_s=120, what="both edges to write down where the old count is known to",
        )  # fmt: skip
    print(f"\nback from the backup in {took:.0f} s; 1 to {last} of the new count are all in the database")
    print(f"the old count, said at the province: {replaced(lab, PROVINCE, 'gw-01', old)}")


def test_a_dead_node_is_replaced_and_the_edge_knows_where_its_old_count_ended(lab: Lab) -> None:
    machine = lab.machines[MARKET]
    machine.run(f"echo 4711 > {KEPT}; chown commune: {KEPT}")
    lab.play("backup", "--limit", MARKET)
    old, known = lab.newest("gw-02")
    machine.cut()  # it will not come back
    machine.lay()
    machine.boot()
    lab.play("replace-node", "--limit", MARKET)
    assert machine.run(f"cat {KEPT}").stdout.strip() == "4711"
    until(
        lambda: replaced(lab, COMMUNE, "gw-02", old), within_s=120,
        what="the edge to write down that gw-02 was replaced",
    )  # fmt: skip
    print(f"\nthe old count ended at {known} or later; the edge says {replaced(lab, COMMUNE, 'gw-02', old)}")
    again = lab.play("replace-node", "--limit", MARKET, check=False)
    assert "is not new" in again.stdout
