"""Because one line carries up to 32 units, and dead ones must not cost the living their readings."""

from collections import Counter

import pytest

from gateway.config import NodeConfig
from gateway.runner import Runner
from sensors.io.modbus import SerialModbus
from sensors.sample import Quality
from sensors.settings import convert
from simulators.clock import VirtualClock
from simulators.io import SimIO
from simulators.signals.modbus import Cell, probe_bank

PORT = "/dev/ttyUSB0"
ALIVE, DEAD = (1, 12), tuple(range(2, 12))
CYCLES = 10


@pytest.mark.slow
def test_ten_dead_units_leave_the_two_that_live_their_reading_in_every_cycle(monkeypatch):
    asked: Counter[int] = Counter()
    read = SerialModbus.read

    def counted(self, unit, *rest):
        asked[unit] += 1
        return read(self, unit, *rest)

    monkeypatch.setattr(SerialModbus, "read", counted)
    clock = VirtualClock()
    io = SimIO(clock)
    bus = io.wire_bus(PORT)
    for unit in ALIVE:
        bus.add(unit, 3, probe_bank({0: Cell("u16", 0.01, lambda: 7.21)}))
    register = {"metric": "pH", "address": 0, "unit": "Q30", "scale": 0.01}
    units = sorted((*ALIVE, *DEAD))
    settings = {"port": PORT, "registers": [register], "timeout": 0.2}
    devices = [{"id": f"u{n}", "driver": "modbus-probe", "config": {**settings, "unit": n}} for n in units]
    assets = [
        {"id": f"q{n}", "type": "WaterQualityObserved", "every": "60s", "inputs": {"pH": f"u{n}.pH"}}
        for n in units
    ]
    site = {"province": "42", "commune": "18562", "gw": "gw-01"}
    seen = []
    runner = Runner(convert({"site": site, "device": devices, "asset": assets}, NodeConfig), io, seen.append)
    try:
        runner.step(clock.monotonic_ns() + (CYCLES * 60 - 1) * 1_000_000_000)
    finally:
        runner.stop()
        io.close()
    qualities = {n: [each.observation.quality for each in seen if each.asset.id == f"q{n}"] for n in units}
    for n in ALIVE:
        assert qualities[n] == [Quality.GOOD] * CYCLES
    for n in DEAD:
        assert qualities[n] == [Quality.BAD] * CYCLES
        assert asked[n] <= 2, "a silent unit is left out of the polls"
