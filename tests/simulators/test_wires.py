"""Because what a node can say of a lorry and of its lamps must come over wires, like everything else."""

import pytest

from gateway import config_check
from gateway.node import Node
from simulators.clock import VirtualClock
from simulators.commune import build

S = 1_000_000_000
HOUR = 3600 * S
SITE = """
[site]
province = "42"
commune = "18562"
gw = "gw-01"
lat = 18.34
lon = 105.9
[mqtt]
host = "127.0.0.1"
port = 1
"""


class Station:
    """A node on a simulated commune, stepped; what it took of each asset."""

    def __init__(self, folder, **how):
        self.world = build(5, VirtualClock(), **how)
        file = folder / "node.toml"
        tables = self.world.config_toml(every="15min", stale_after="1h")
        file.write_text(f'{SITE}[spool]\npath = "{folder}/node.db"\n{tables}', encoding="utf-8")
        self.node = Node(config_check.load(file, {}), self.world.io)
        self.taken = []
        self.node.start(threads=False)
        take = self.node.runner._emit
        self.node.runner._emit = lambda reading: (self.taken.append(reading), take(reading))

    def run(self, hours):
        clock = self.world.io.clock
        until_ns = clock.monotonic_ns() + round(hours * HOUR)
        while (due_ns := self.node.runner.due_ns) is not None and due_ns < until_ns:
            self.node.runner.step(due_ns)
            self.node.lights.step()

    def of(self, kind):
        return [each for each in self.taken if each.asset.type == kind]

    def close(self):
        self.node.stop(0)
        self.world.close()


@pytest.fixture
def station(tmp_path):
    made = []

    def make(**how):
        made.append(Station(tmp_path, **how))
        return made[0]

    yield make
    made[0].close()


@pytest.mark.slow
def test_each_lorry_on_the_weighbridge_is_one_reading_with_what_it_weighed(station):
    it = station(bins=3, domains=["waste"])
    it.run(1)
    bridge = it.world.village.bridge
    for load_kg in (1200.0, 800.0):
        bridge.arrive(load_kg)
        it.run(1)
    weighed = [each.net_kg for each in bridge.weighings]
    assert len(weighed) == 2
    told = [each.observation.fields for each in it.of("WasteObserved")]
    assert [fields["weight"] for fields in told if fields] == weighed


@pytest.mark.slow
def test_the_lamps_of_a_node_with_a_relay_follow_the_sun_and_its_feedback_tells_a_welded_contactor(station):
    it = station(bins=0, domains=["lighting", "switching"])
    lights, sky = it.world.lights, it.world.sky
    wrong = []
    for _ in range(24):
        it.run(1)
        height_deg = sky.sun_deg()
        if (height_deg > 3 and lights.lit) or (height_deg < -6 and not lights.lit):
            wrong.append(height_deg)
    assert wrong == []
    while not 10 < sky.local_hour() < 14:
        it.run(1)
    lights.weld()
    it.run(1)
    assert lights.lit
    last = it.of("StreetlightControlCabinet")[-1].observation
    assert last.fields["status"] == "dayBurner"
    assert it.node.runner.visit("relay", lambda relay: relay.look()[1], 1.0)[0].code == "relay-welded"
