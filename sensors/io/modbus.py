"""One Modbus RTU master on a serial path: a Pi's RS-485 adapter and a simulated pty alike."""

import logging
import threading
from typing import Literal

from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ConnectionException, ModbusException

from sensors.errors import BusError, ConfigError, PortError
from sensors.text import said

RETRIES = 1  # one hit by noise is forgiven; a dead unit then costs two timeouts

# pymodbus logs every failure that it also raises: whoever owns the retry decides what is worth a line
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


class SerialModbus:
    """A master on one port; callers from several threads take turns."""

    def __init__(self, path: str, *, baud: int, parity: str, timeout_s: float) -> None:
        """Prepare the master; the port is opened by the first read, and again after it was unplugged."""
        self.settings = (baud, parity, timeout_s)
        self._lock = threading.Lock()
        self._heard = False
        self._client = ModbusSerialClient(
            path,
            baudrate=baud,
            parity=parity,
            timeout=timeout_s,
            retries=RETRIES,
            trace_packet=self._trace,
        )

    def read(self, unit: int, function: Literal[3, 4], address: int, count: int) -> list[int]:
        """Read 16-bit registers; raise BusError no-comm (silence), crc (a garbled answer) or refused."""
        call = self._client.read_holding_registers if function == 3 else self._client.read_input_registers
        with self._lock:
            self._heard = False
            try:
                answer = call(address, count=count, device_id=unit)
            except ConnectionException as error:
                raise PortError(f"the port cannot be used: {error}") from error
            except (ModbusException, OSError) as error:
                reason = "crc" if self._heard else "no-comm"
                raise BusError(reason, f"unit {unit} register {address}: {error}") from error
        if answer.isError():
            raise BusError("refused", f"unit {unit} register {address}: exception {answer.exception_code}")
        registers = list(answer.registers)
        if len(registers) != count:
            raise BusError("crc", f"unit {unit}: {len(registers)} registers instead of {count}")
        return registers

    def close(self) -> None:
        """Close the port."""
        self._client.close()  # type: ignore[no-untyped-call]

    def _trace(self, sending: bool, data: bytes) -> bytes:
        # pymodbus reports silence and a bad CRC alike; bytes having come is the difference
        if data and not sending:
            self._heard = True
        return data


def shared_bus(
    buses: dict[str, SerialModbus], port: str, path: str, settings: tuple[int, str, float]
) -> SerialModbus:
    """Return the one master of a port, made at the first call; raise ConfigError on other settings."""
    bus = buses.get(port)
    if bus is None:
        baud, parity, timeout_s = settings
        bus = buses[port] = SerialModbus(path, baud=baud, parity=parity, timeout_s=timeout_s)
    if bus.settings != settings:
        raise ConfigError(
            said(
                "{port}: one device says baud, parity, timeout {one}, another says {other}",
                port=port,
                one=bus.settings,
                other=settings,
            )
        )
    return bus
