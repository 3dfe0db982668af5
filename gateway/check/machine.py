"""What this machine allows the node: groups, serial ports, the GPIO library, a folder to write in."""

import getpass
import grp
import importlib.util
import os
from pathlib import Path

from gateway.check.reasoning import Machine

BUSES = {"I2C": "dev/i2c-1", "SPI": "dev/spidev0.*", "1-Wire": "sys/bus/w1/devices/w1_bus_master*"}
SERIAL = ("ttyUSB*", "ttyACM*", "ttyAMA*", "ttyS[0-9]", "serial[0-9]")


def this_machine(root: Path = Path("/")) -> Machine:
    """Look at the machine that this runs on."""
    dev = root / "dev"
    ports = serial_ports(dev)
    folder = Path(os.environ.get("LG_WD", "."))
    groups = {group.gr_name for group in grp.getgrall() if group.gr_gid in os.getgroups()}
    return Machine(
        user=getpass.getuser(),
        groups=None if os.geteuid() == 0 else frozenset(groups),
        ports=tuple(ports),
        denied=frozenset(port for port in ports if not os.access(port, os.R_OK | os.W_OK)),
        lgpio=importlib.util.find_spec("lgpio") is not None,
        chips=any(dev.glob("gpiochip*")),
        buses=frozenset(bus for bus, files in BUSES.items() if any(root.glob(files))),
        folder="" if os.access(folder, os.W_OK) else str(folder.resolve()),
    )


def serial_ports(dev: Path = Path("/dev")) -> list[str]:
    """Return the serial ports that are plugged in, those with a name that stays first."""
    named = sorted(str(path) for path in (dev / "serial" / "by-id").glob("*"))
    return named + sorted(str(path) for pattern in SERIAL for path in dev.glob(pattern))
