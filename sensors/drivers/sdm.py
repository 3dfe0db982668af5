"""Eastron SDM120 and SDM230 power meters: one phase on a DIN rail, by Modbus.

Makers' Modbus tables (SDM120/SDM230 protocol): input registers, 32-bit floats, high word first; 0x00 V,
0x06 A, 0x0C W, 0x1E power factor, 0x46 Hz, 0x48 import kWh. Each quantity is asked for by itself: SDM120
knows fewer registers, and what it says of those between is not in its table. New meters speak 2400 8N1; set
9600 at the meter.
"""

from collections.abc import Sequence

from sensors import checks
from sensors.drivers.mains import MainsMeter
from sensors.drivers.registers import decode
from sensors.io import ModbusBus
from sensors.sample import Sample, bad

DECIMALS = 4
ADDRESSES = {
    "voltage": 0x00,
    "current": 0x06,
    "power": 0x0C,
    "energy": 0x48,
    "frequency": 0x46,
    "powerFactor": 0x1E,
}


class Sdm(MainsMeter):
    """One SDM120 or SDM230 on an RS-485 line."""

    def read(self) -> Sequence[Sample]:
        """Return V, A, W, kWh, Hz and power factor; raise BusError when the meter does not answer."""
        bus = self._bus
        if bus is None:
            return [bad(metric.key, "closed") for metric in self.metrics]
        with self._backoff:
            return [self._sample(bus, metric.key) for metric in self.metrics]

    def _volts(self, bus: ModbusBus) -> float:
        return self._asked(bus, "voltage")

    def _asked(self, bus: ModbusBus, key: str) -> float:
        return decode(bus.read(self._config.unit, 4, ADDRESSES[key], 2), "f32", "ABCD")

    def _sample(self, bus: ModbusBus, key: str) -> Sample:
        value = self._asked(bus, key)
        if value - value != 0:
            return bad(key, "no-value")
        sample = Sample(key, round(value, DECIMALS), raw=value)
        if key == "powerFactor":
            return checks.in_range(sample, -1, 1)  # its sign is the current's direction
        return self._checked(sample)
