"""Because nothing of the Pi's IO may fail silently on a machine that is not a Pi, nor lose a pulse on one."""

import os
import re
import sys
import tempfile
import threading
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from sensors.errors import BusError, IOUnavailable
from sensors.io.clock import PiClock
from sensors.io.pi import KernelPulses, PiIO, header_chip
from sensors.registry import driver, drivers


class Edge(NamedTuple):
    """What gpiod says of an edge."""

    timestamp_ns: int
    line_seqno: int


class KernelRequest:
    """What gpiod lends: a descriptor that is readable while edges wait."""

    def __init__(self):
        self.fd, self._writer = os.pipe()
        self._waiting = []
        self._lock = threading.Lock()
        self.taken = threading.Event()
        self.released = False

    def edges(self, *edges):
        self.taken.clear()
        with self._lock:
            self._waiting += edges
        os.write(self._writer, b".")

    def read_edge_events(self):
        os.read(self.fd, 1)
        with self._lock:
            lent, self._waiting = self._waiting, []
        yield from lent
        self.taken.set()

    def release(self):
        self.released = True
        os.close(self.fd)
        os.close(self._writer)


class Gpiod:
    """What gpiod says of the chips of a board."""

    def __init__(self, labels):
        self._labels = labels

    def Chip(self, path):  # noqa: N802 - gpiod's name
        return nullcontext(
            SimpleNamespace(get_info=lambda: SimpleNamespace(label=self._labels[Path(path).name]))
        )


def test_edges_that_overflowed_in_the_kernel_are_known_by_their_number():
    request = KernelRequest()
    counter = KernelPulses(request, debounce_s=0)
    try:
        request.edges(Edge(1_000, 1), Edge(2_000, 2), Edge(9_000, 7))
        assert request.taken.wait(5)
        request.edges(Edge(10_000, 8))
        assert request.taken.wait(5)
        seen = counter.snapshot()
    finally:
        counter.close()
        counter.close()
    assert (seen.total, seen.lost, seen.first_ns, seen.last_ns) == (8, 4, 1_000, 10_000)
    assert request.released


def test_the_real_clock_never_goes_back_and_names_its_boot():
    clock = PiClock()
    assert re.fullmatch(r"[0-9a-f-]{36}", clock.boot_id)
    assert PiClock().boot_id == clock.boot_id
    times = [clock.monotonic_ns() for _ in range(100)]
    assert times == sorted(times)
    clock.sleep(0.001)
    assert clock.monotonic_ns() - times[-1] >= 1_000_000
    assert isinstance(clock.synchronised(), bool)


def test_a_machine_without_gpio_says_so():
    io = PiIO()
    try:
        for take in (lambda: io.digital_in("GPIO17"), lambda: io.pulses("GPIO17")):
            with pytest.raises(IOUnavailable, match=r"lgpio|edge events"):
                take()
    finally:
        io.close()
    assert io.sysfs == Path("/sys")


def test_a_serial_port_that_is_not_there_does_not_answer():
    io = PiIO()
    try:
        bus = io.modbus("/dev/no-such-port")
        assert io.modbus("/dev/no-such-port") is bus
        with pytest.raises(BusError) as caught:
            bus.read(1, 3, 0, 1)
    finally:
        io.close()
    assert caught.value.reason == "no-comm"


def test_every_installed_driver_is_found_by_name_and_has_all_that_a_driver_needs():
    names = drivers()
    assert {"hcsr04", "contact", "modbus-probe", "pulse-flow", "pzem004t", "bh1750", "pi-health"} <= set(
        names
    )
    for name in names:
        kind = driver(name)
        for part in ("Config", "metrics", "open", "read", "close"):
            assert hasattr(kind, part)


def test_only_one_file_names_hardware_libraries():
    root = Path(__file__).parents[2]
    hardware = re.compile(
        r"^\s*(import|from) (gpiod|lgpio|smbus2|spidev|gpiozero\.pins\.lgpio)", re.MULTILINE
    )
    naming = {
        str(path.relative_to(root))
        for room in ("sensors", "gateway", "edge_api", "simulators")
        for path in (root / room).rglob("*.py")
        if hardware.search(path.read_text())
    }
    assert naming == {"sensors/io/pi.py"}


def test_lgpio_is_imported_where_it_can_make_its_pipe(tmp_path, monkeypatch):
    class Factory:
        def __init__(self):
            self.made_in = str(Path.cwd())

        def close(self):
            pass

    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", SimpleNamespace(LGPIOFactory=Factory))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    io = PiIO()
    assert io._pins().made_in == tempfile.gettempdir()
    assert Path.cwd() == tmp_path
    io.close()


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (
            {"gpiochip0": "pinctrl-bcm2835", "gpiochip1": "raspberrypi-exp-gpio"},
            "gpiochip0",
        ),  # Pi 3, Zero 2 W
        ({"gpiochip0": "pinctrl-bcm2711", "gpiochip1": "raspberrypi-exp-gpio"}, "gpiochip0"),  # Pi 4
        (
            {"gpiochip0": "gpio-brcmstb@107d508500", "gpiochip4": "pinctrl-rp1"},
            "gpiochip4",
        ),  # Pi 5, kernel 6.1
        (
            {"gpiochip0": "pinctrl-rp1", "gpiochip10": "gpio-brcmstb@107d508500"},
            "gpiochip0",
        ),  # Pi 5, from 6.6.47
    ],
)
def test_the_chip_of_the_header_is_known_by_its_label_on_every_pi(tmp_path, labels, found):
    for name in labels:
        (tmp_path / name).touch()
    assert header_chip(Gpiod(labels), tmp_path) == str(tmp_path / found)


def test_a_machine_without_a_header_says_that_it_is_no_pi(tmp_path):
    (tmp_path / "gpiochip0").touch()
    with pytest.raises(IOUnavailable, match="is this a Raspberry Pi"):
        header_chip(Gpiod({"gpiochip0": "INT34C5:00"}), tmp_path)
