"""The slaves of one RS-485 line behind a pty: register banks fed from the world, faults on demand."""

import os
import pty
import select
import struct
import threading
import tty
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from simulators.signals.faults import Faults

Bank = Callable[[int, int], list[int] | None]
"""(address, count) -> registers, or None when there is no such address."""

Fault = Literal["silent", "crc", "short", "illegal-address"]
Kind = Literal["u16", "s16", "u32", "s32", "f32"]

READ_HOLDING, READ_INPUT = 3, 4
REQUEST_BYTES = 8  # of both functions: unit, function, address, count, CRC
_KINDS: dict[str, Fault] = {"silent": "silent", "crc": "crc", "short": "short", "refuses": "illegal-address"}
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS = 1, 2


class Cell(NamedTuple):
    """One quantity of a bank: what it is in the world, and how the device writes it in registers."""

    kind: Kind
    scale: float
    value: Callable[[], float]


class UnitSignal:
    """One unit of a line, as a scenario breaks it."""

    def __init__(self) -> None:
        self.faults = Faults(
            silent="it does not answer: no supply, a wire off, another address; no size",
            crc="its answers are garbled; no size",
            short="its answers end in the middle; no size",
            refuses="it knows no such register; no size",
        )

    @property
    def fault(self) -> Fault | None:
        """The first fault that is on."""
        return next((fault for kind, fault in _KINDS.items() if kind in self.faults), None)


class RtuBus:
    """All slaves of one line, multi-drop: an unknown unit is silence, as on a wire."""

    def __init__(self) -> None:
        """Open the pty and answer from a thread of its own until closed."""
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._banks: dict[tuple[int, int], Bank] = {}
        self._faults: dict[int, tuple[Fault, int | None]] = {}
        self._units: dict[int, UnitSignal] = {}
        self.requests: dict[int, int] = {}
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="rtu-bus", daemon=True)
        self._thread.start()

    def add(self, unit: int, function: int, bank: Bank) -> None:
        """Put a unit's bank on the line, for function 3 or 4."""
        self._banks[unit, function] = bank

    def unit(self, unit: int) -> UnitSignal:
        """Return the unit as a scenario breaks it; the same object at each call."""
        return self._units.setdefault(unit, UnitSignal())

    def break_unit(self, unit: int, fault: Fault, times: int | None = None) -> None:
        """Let a unit misbehave for its next `times` answers, or until mended."""
        self._faults[unit] = fault, times

    def mend_unit(self, unit: int) -> None:
        """Let a unit work again."""
        self._faults.pop(unit, None)

    def close(self) -> None:
        """Stop answering and close the pty."""
        if self._thread.is_alive():
            os.write(self._stopper, b".")
            self._thread.join()
            for each in (self._stop, self._stopper, self._master, self._slave):
                os.close(each)

    def _serve(self) -> None:
        waiting = b""
        while True:
            ready, _, _ = select.select([self._master, self._stop], [], [])
            if self._stop in ready:
                return
            waiting += os.read(self._master, 256)
            while len(waiting) >= REQUEST_BYTES:
                request = waiting[:REQUEST_BYTES]
                if crc16(request) != 0:  # not a frame's beginning: look for one a byte further
                    waiting = waiting[1:]
                    continue
                waiting = waiting[REQUEST_BYTES:]
                answer = self._answer(request)
                if answer:
                    os.write(self._master, answer)

    def _answer(self, request: bytes) -> bytes:
        unit, function, address, count = struct.unpack(">BBHH", request[:6])
        self.requests[unit] = self.requests.get(unit, 0) + 1
        functions = [known for at, known in self._banks if at == unit]
        fault = self._next_fault(unit)
        if not functions or fault == "silent":
            return b""
        bank = self._banks.get((unit, function))
        registers = bank(address, count) if bank and fault != "illegal-address" else None
        if registers is None:
            code = ILLEGAL_ADDRESS if bank else ILLEGAL_FUNCTION
            body = struct.pack(">BBB", unit, function | 0x80, code)
        else:
            body = struct.pack(f">BBB{count}H", unit, function, 2 * count, *registers)
        frame = body + struct.pack("<H", crc16(body))
        if fault == "crc":
            return frame[:-1] + bytes([frame[-1] ^ 0xFF])
        return frame[: len(frame) // 2] if fault == "short" else frame

    def _next_fault(self, unit: int) -> Fault | None:
        if (told := self.unit(unit).fault) is not None:
            return told
        fault, times = self._faults.get(unit, (None, None))
        if fault is not None and times is not None:
            if times <= 1:
                self.mend_unit(unit)
            else:
                self._faults[unit] = fault, times - 1
        return fault


def crc16(data: bytes) -> int:
    """Return Modbus's CRC (polynomial 0xA001 reflected, start 0xFFFF); 0 over a frame with its CRC."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def probe_bank(cells: Mapping[int, Cell]) -> Bank:
    """Make the bank of a probe: quantities by their first register's address."""

    def bank(address: int, count: int) -> list[int] | None:
        image: dict[int, int] = {}
        for first, cell in cells.items():
            image.update(enumerate(_registers(cell), first))
        wanted = range(address, address + count)
        return [image[each] for each in wanted] if all(each in image for each in wanted) else None

    return bank


class Supply(NamedTuple):
    """What a power meter measures: V, A, W, Wh, Hz and the power factor."""

    voltage: float
    current: float
    power: float
    energy_wh: float
    frequency: float
    power_factor: float


def pzem_bank(supply: Callable[[], Supply]) -> Bank:
    """Make the bank of a PZEM-004T v3 (its input registers 0..9; 32-bit values low word first)."""

    def bank(address: int, count: int) -> list[int] | None:
        now = supply()
        current, power, energy = round(now.current * 1000), round(now.power * 10), round(now.energy_wh)
        words = [round(now.voltage * 10)]
        for value in (current, power, energy):
            words += [value & 0xFFFF, value >> 16 & 0xFFFF]
        words += [round(now.frequency * 10), round(now.power_factor * 100), 0]
        return words[address : address + count] if address + count <= len(words) else None

    return bank


def sdm_bank(supply: Callable[[], Supply]) -> Bank:
    """Make the bank of an Eastron SDM120 or SDM230: 32-bit floats, high word first, two registers each."""

    def bank(address: int, count: int) -> list[int] | None:
        now = supply()
        values = {0x00: now.voltage, 0x06: now.current, 0x0C: now.power, 0x1E: now.power_factor}
        values |= {0x46: now.frequency, 0x48: now.energy_wh / 1000}
        if address not in values or count != 2:
            return None
        return list(struct.unpack(">HH", struct.pack(">f", values[address])))

    return bank


def _registers(cell: Cell) -> list[int]:
    if cell.kind == "f32":
        return list(struct.unpack(">HH", struct.pack(">f", cell.value() / cell.scale)))
    raw = round(cell.value() / cell.scale)
    if cell.kind in ("u32", "s32"):
        return [raw >> 16 & 0xFFFF, raw & 0xFFFF]
    lowest, highest = (-0x8000, 0x7FFF) if cell.kind == "s16" else (0, 0xFFFF)
    return [min(max(raw, lowest), highest) & 0xFFFF]
