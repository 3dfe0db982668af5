"""The 40-pin header of a Raspberry Pi: where on it a line is, and which lines have another job."""

PINS = {
    2: 3, 3: 5, 4: 7, 14: 8, 15: 10, 17: 11, 18: 12, 27: 13, 22: 15, 23: 16, 24: 18, 10: 19, 9: 21, 25: 22,
    11: 23, 8: 24, 7: 26, 0: 27, 1: 28, 5: 29, 6: 31, 12: 32, 13: 33, 19: 35, 16: 36, 26: 37, 20: 38, 21: 40,
}  # fmt: skip
PULLED_UP = frozenset({"GPIO0", "GPIO1", "GPIO2", "GPIO3"})  # 1.8 kohm (2, 3) or 3.9 kohm (0, 1) to 3.3 V
CONSOLE = frozenset({"GPIO14", "GPIO15"})

BUS_LINES = {  # what the kernel takes when a bus is switched on in raspi-config
    "1-Wire": frozenset({"GPIO4"}),
    "SPI": frozenset({"GPIO7", "GPIO8", "GPIO9", "GPIO10", "GPIO11"}),
    "I2C": frozenset({"GPIO2", "GPIO3"}),
}


def pin_of(line: str) -> int | None:
    """Return the header's pin of a line such as GPIO17; None for what is not one."""
    number = line.removeprefix("GPIO")
    return PINS.get(int(number)) if number != line and number.isdigit() else None
