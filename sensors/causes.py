"""Why a device gives no value or a doubtful one, in sentences for the person in front of it."""

import re
from typing import NamedTuple

from sensors.sample import Quality

_PLACE = re.compile(r"\{(\w+)\}")


class Cause(NamedTuple):
    """The sentences of one code. Placeholders are `where` and the finding's facts."""

    severity: Quality
    wrong: str
    look: str

    @property
    def names(self) -> set[str]:
        """The placeholders of both sentences."""
        return set(_PLACE.findall(self.wrong + self.look))


def _(text: str) -> str:
    return text


def broken(wrong: str, look: str) -> Cause:
    """Make a cause that costs the value."""
    return Cause(Quality.BAD, wrong, look)


def doubtful(wrong: str, look: str) -> Cause:
    """Make a cause that leaves a value in doubt."""
    return Cause(Quality.UNCERTAIN, wrong, look)


DEVICES: dict[str, Cause] = {
    # an ultrasonic ranger on two lines
    "echo-silent": broken(
        _("{where} never rises: no echo pulse"),
        _("Look at the trigger wire on {trigger}, then at the sensor's 5 V and GND."),
    ),
    "echo-high": broken(
        _("{where} stays high"),
        _("Look at the divider on the echo line and for a short to 3.3 V or 5 V; else the sensor is broken."),
    ),
    "echo-nothing": broken(
        _("The sensor works, but no sound comes back"),
        _("Point it straight at the surface, nearer than 4 m, and wipe its two eyes."),
    ),
    "echo-spread": doubtful(
        _("The measurements scatter too much"),
        _("Take away foil, cobwebs and whatever hangs before the sensor; tighten its holder."),
    ),
    "echo-interference": broken(
        _("Another ultrasonic sensor disturbs this one"),
        _("Turn the two away from each other, or set them farther apart."),
    ),
    # a contact
    "contact-flutters": doubtful(
        _("{where} changes by itself: {flips} times in {seconds} s"),
        _("Look for a loose wire, a cut one, or a contact without pull-up."),
    ),
    # a pulse meter
    "pulses-none": doubtful(
        _("No pulse on {where} for {seconds} s"),
        _("Let water run and check again; if none comes, look at the meter's two wires and its reed."),
    ),
    "pulses-lost": doubtful(
        _("{lost} pulses on {where} came too fast to be seen one by one"),
        _("The total was mended. If it comes again, set debounce, or look for a loose wire that chatters."),
    ),
    "pulses-too-fast": broken(
        _("{where} counts {flow} m³/h, more than the meter can pass ({most})"),
        _("Look for a pump's or lamp's cable beside the meter's wire, and at litres_per_pulse."),
    ),
    # 1-Wire thermometers
    "w1-off": broken(
        _("The kernel has no 1-Wire bus ({where} is missing)"),
        _("Add the line dtoverlay=w1-gpio to /boot/firmware/config.txt and restart the Pi."),
    ),
    "w1-empty": broken(
        _("No thermometer on the 1-Wire bus"),
        _("Look at the 4.7 kΩ pull-up between data and 3.3 V, then at the data wire, 3.3 V and GND."),
    ),
    "w1-missing": broken(
        _("Thermometer {where} is not on the bus; there are: {others}"),
        _("Look at the wires of this one, or write another's number in the configuration."),
    ),
    "w1-crc": broken(
        _("Thermometer {where} answers garbled"),
        _("Tighten the wires, shorten the cable (30 m at most), look at the 4.7 kΩ pull-up."),
    ),
    "w1-power-on": broken(
        _("Thermometer {where} has just lost its supply (it says 85 °C)"),
        _("Look at its red wire (3.3 V): it is loose, or the supply dips."),
    ),
    "w1-zero": broken(
        _("Thermometer {where} answers with nothing but zeros"),
        _("Look for a short between data and GND; else the sensor is broken."),
    ),
    # a serial port and the units on it
    "port-missing": broken(
        _("The port {where} is not there; found: {ports}"),
        _("Plug the adapter in, or write the port that was found in the configuration."),
    ),
    "port-denied": broken(
        _("{user} may not use the port {where}"),
        _("Run: sudo usermod -aG dialout {user}, then log in again."),
    ),
    "port-failed": broken(
        _("The port {where} cannot be used: {detail}"),
        _("Unplug the adapter, plug it in again, and see that no other program has the port."),
    ),
    "unit-silent": broken(
        _("Unit {unit} on {where} is silent, unit {heard} answers"),
        _("The bus is well. Look at this unit's supply, its own A/B wires, and its address."),
    ),
    "unit-alone-silent": broken(
        _("Unit {unit} on {where} is silent (no other unit to compare)"),
        _("Look at its supply, swap A and B, then check its address ({unit}) and speed ({baud})."),
    ),
    "bus-silent": broken(
        _("All {count} units on {where} are silent"),
        _("Swap A and B at the adapter; then look at the units' supply, the port, and the speed ({baud})."),
    ),
    "bus-garbled": broken(
        _("Every answer on {where} is garbled"),
        _("The speed or parity is wrong (now {baud} {parity}): read it in the units' manual or try probe."),
    ),
    "unit-garbled": broken(
        _("Unit {unit} on {where} answers garbled"),
        _("Look for a loose A/B wire, a second unit with the same address, and 120 Ω at both ends."),
    ),
    "unit-refused": broken(
        _("Unit {unit} on {where} refuses register {address}"),
        _("The register map does not fit this device: compare address and function with its manual."),
    ),
    "unit-no-value": broken(
        _("Unit {unit} on {where} answers, but has no value for {metric}"),
        _("The probe itself reports a fault: look whether it is in water, clean, and connected to its head."),
    ),
    "serial-silent": broken(
        _("Nothing comes in on {where}"),
        _("Look at the sensor's supply and its TX wire, which goes to RX of the adapter."),
    ),
    "serial-garbled": broken(
        _("What comes in on {where} makes no sense"),
        _("The speed is wrong, or the wire is too long or loose."),
    ),
    # power meters
    "mains-off": broken(
        _("The meter on {where} is silent: it sleeps when its mains side has no voltage"),
        _("Look at the breaker and at the meter's L and N, then at 5 V, TX and RX."),
    ),
    "mains-voltage": doubtful(
        _("{volts} V: far from 230 V"),
        _("Measure with a meter by a qualified person; call the power company if it is so."),
    ),
    # current loops and analogue inputs
    "loop-open": broken(
        _("{milliamps} mA: the current loop is open"),
        _("Look for a cut wire, a loose clamp, or a missing 24 V supply."),
    ),
    "loop-reversed": broken(
        _("{milliamps} mA: the current flows the wrong way"),
        _("Swap + and - of the loop at the input."),
    ),
    "loop-low": broken(
        _("{milliamps} mA: the transmitter itself reports a fault (NE43, low)"),
        _("Look at the transmitter: its probe is cut, dry or broken, or its supply is too low."),
    ),
    "loop-high": broken(
        _("{milliamps} mA: too much current in the loop (NE43, high)"),
        _("Look for a short between + and the signal; else the transmitter reports a fault."),
    ),
    "volts-low": broken(
        _("{volts} V: less than the sensor can give"),
        _("Look for a cut signal wire or a missing 5 V supply of the sensor."),
    ),
    "volts-high": broken(
        _("{volts} V: more than the sensor can give"),
        _("Look for a short between the signal and the supply, or a cut GND."),
    ),
    "spi-silent": broken(
        _("{where}: the converter answers nothing but {code}"),
        _("Look at its supply and the four SPI wires; switch SPI on with raspi-config."),
    ),
    # chips behind a kernel driver
    "i2c-silent": broken(
        _("The kernel knows the {chip} ({where}), but it does not answer"),
        _("Look at SDA (pin 3), SCL (pin 5), 3.3 V and GND, and at the address jumper."),
    ),
    "overlay-missing": broken(
        _("The kernel has no {chip}"),
        _("Add {overlay} to /boot/firmware/config.txt and restart the Pi; if it is there, see the wires."),
    ),
    "light-full": broken(
        _("The light sensor is blinded: it reads its maximum"),
        _("Put the white dome over it, and write its factor as dome."),
    ),
    # a load cell's converter
    "hx711-silent": broken(
        _("The scale's converter gives no data on {where}"),
        _("Look at its 5 V, GND, and the DT and SCK wires."),
    ),
    "hx711-saturated": broken(
        _("The load cell is beyond its end: {code}"),
        _("Look at the cell's four wires (E+, E-, A+, A-) and for an overload."),
    ),
    "hx711-stretched": broken(
        _("The Pi was too slow for the scale's converter"),
        _("Check again; if it stays so, use an RS-485 load cell transmitter."),
    ),
    # a relay and what tells whether it has switched
    "relay-dead": broken(
        _("{where} is switched on, but nothing is fed back on {feedback}"),
        _("Look at the relay's coil and supply, the contactor and its breaker, then the feedback wire."),
    ),
    "relay-welded": broken(
        _("{where} is switched off, but {feedback} says on"),
        _("The contactor sticks or somebody has switched by hand: look into the cabinet."),
    ),
}
