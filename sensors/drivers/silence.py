"""What the answer or silence of one Modbus unit says of its wires; the same for every driver of one."""

from collections.abc import Callable
from typing import Protocol

from sensors.errors import BusError, PortError
from sensors.findings import Fact, Finding

_BY_REASON = {"no-comm": "unit-alone-silent", "crc": "unit-garbled", "refused": "unit-refused"}


class Wired(Protocol):
    """How a unit is reached, as every Modbus driver's settings say it."""

    @property
    def port(self) -> str:
        """The serial port."""

    @property
    def unit(self) -> int:
        """The unit's address, 1..247."""

    @property
    def baud(self) -> int:
        """Its speed in bit/s."""

    @property
    def parity(self) -> str:
        """Its parity: N, E or O."""


def of_unit(wired: Wired, address: int, ask: Callable[[], object]) -> list[Finding]:
    """Ask a unit directly, whether or not the schedule leaves it out, and say what its answer means.

    Whether a silent unit is alone in its silence only the check can say, which hears the others.
    """
    try:
        ask()
    except PortError as error:
        return [Finding("port-failed", wired.port, detail=str(error))]
    except BusError as error:
        code = _BY_REASON.get(error.reason, "garbled")
        facts: dict[str, Fact] = {
            "unit": wired.unit,
            "baud": wired.baud,
            "parity": wired.parity,
            "address": address,
        }
        return [Finding(code, wired.port, **facts)]
    return []
