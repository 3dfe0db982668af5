"""PZEM-004T v3 power meter: one phase, up to 100 A, by Modbus.

Register map from the maker's manual (input registers 0..9, 32-bit values low word first): V/10, A/1000,
W/10, Wh, Hz/10, power factor/100, alarm. It measures from 0.02 A on and reads small LED loads low.
"""

from collections.abc import Sequence

from sensors import checks
from sensors.drivers.mains import MainsMeter
from sensors.findings import Finding
from sensors.io import ModbusBus
from sensors.sample import Sample, bad

REGISTERS = 10


class Pzem004t(MainsMeter):
    """One meter on a serial line; it lives of the mains that it measures."""

    def read(self) -> Sequence[Sample]:
        """Return V, A, W, kWh, Hz and power factor; raise BusError when the meter does not answer."""
        if self._bus is None:
            return [bad(metric.key, "closed") for metric in self.metrics]
        with self._backoff:
            words = self._words(self._bus)
        return [
            self._checked(Sample("voltage", words[0] / 10)),
            Sample("current", _long(words, 1) / 1000),
            Sample("power", _long(words, 3) / 10),
            self._checked(Sample("energy", _long(words, 5) / 1000)),
            Sample("frequency", words[7] / 10),
            checks.in_range(Sample("powerFactor", words[8] / 100), 0, 1),
        ]

    def diagnose(self) -> Sequence[Finding]:
        """Say also of a silent meter that it may have no mains: then it sleeps."""
        found = list(super().diagnose())
        if any(each.code == "unit-alone-silent" for each in found):
            found.append(Finding("mains-off", self._config.port))
        return found

    def _volts(self, bus: ModbusBus) -> float:
        return self._words(bus)[0] / 10

    def _words(self, bus: ModbusBus) -> Sequence[int]:
        return bus.read(self._config.unit, 4, 0, REGISTERS)


def _long(words: Sequence[int], at: int) -> int:
    return words[at] | words[at + 1] << 16
