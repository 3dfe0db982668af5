"""Why a check is not content with the Pi itself, its lines and rights, or with what any device may show."""

from sensors.causes import Cause, broken, doubtful


def _(text: str) -> str:
    return text


MACHINE: dict[str, Cause] = {
    # the Pi itself
    "under-voltage": doubtful(
        _("The Pi's supply is too weak: below 4.63 V"),
        _("Use the official supply (5.1 V, 3 A or more) with a short, thick cable."),
    ),
    "too-hot": doubtful(
        _("The processor is {celsius} °C"),
        _("Give the box shade and air; the Pi slows down from 80 °C on."),
    ),
    "no-thermometer": broken(
        _("{where} cannot be read: the Pi's own temperature is not known"),
        _("Is this a Raspberry Pi with its own kernel? The sensors are not affected."),
    ),
    "disk-low": doubtful(
        _("Only {gigabytes} GB are free on the card"),
        _("Delete what is not needed, or use a larger card."),
    ),
    "disk-unreadable": broken(
        _("{where} cannot be read"),
        _('Write a path that exists, such as path = "/".'),
    ),
    "card-worn": doubtful(
        _("The memory card has used up {percent} percent of its life"),
        _("Change the card soon; the readings that wait are on it."),
    ),
    "clock-unset": doubtful(
        _("The clock is not set: readings wait for the right time"),
        _("Connect the Pi to the network, or set up the edge as its time server."),
    ),
    # lines, rights and libraries
    "line-conflict": broken(
        _("{where} is used by two devices: {first} and {second}"),
        _("Give each its own line and change the wire and the configuration."),
    ),
    "line-taken": broken(
        _("{where} is held by another program"),
        _("Is a second node running? Stop it: sudo systemctl stop commune-node."),
    ),
    "line-pulled-up": doubtful(
        _("{where} has a fixed 1.8 kΩ pull-up on the Pi's board"),
        _("It is meant for I2C. Use another line, such as GPIO17."),
    ),
    "line-console": doubtful(
        _("{where} belongs to the serial console"),
        _("Use another line, or switch the console off with raspi-config."),
    ),
    "line-of-bus": broken(
        _("{where} is held by the Pi's own {bus}, which is switched on"),
        _("Put the wire on another line and change the configuration, or switch {bus} off in raspi-config."),
    ),
    "not-in-group": broken(
        _("{user} is not in the group {group}, so {where} is closed"),
        _("Run: sudo usermod -aG {group} {user}, then log in again."),
    ),
    "no-lgpio": broken(
        _("The GPIO library lgpio is missing"),
        _("Run: sudo apt install python3-lgpio; the environment needs --system-site-packages."),
    ),
    "no-gpio": broken(
        _("This machine has no GPIO lines"),
        _("Run the check on the Pi itself."),
    ),
    "line-failed": broken(
        _("{where} cannot be used: {detail}"),
        _("Restart the Pi and check again; if it stays so, report this line."),
    ),
    "folder-unwritable": broken(
        _("lgpio needs a folder that can be written, {where} cannot"),
        _("Run the command in /var/lib/commune, or set LG_WD."),
    ),
    # what any device may show
    "hangs": broken(
        _("No answer after {seconds} s"),
        _("Switch the device off and on again; look at its wires."),
    ),
    "broken": broken(
        _("The driver stopped: {detail}"),
        _("Report this line to whoever maintains the driver."),
    ),
    "settings-wrong": broken(
        _("{detail}"),
        _("Mend the configuration, then run: commune node config."),
    ),
    "no-answer": broken(
        _("The device does not answer"),
        _("Look at its supply, its wires and its address."),
    ),
    "garbled": broken(
        _("What the device says arrives garbled"),
        _("Look for loose wires, missing GND, and long cables beside power lines."),
    ),
    "out-of-range": doubtful(
        _("{metric}: the device says {value}, which cannot be"),
        _("Look at the sensor: is it where it should be, clean and calibrated?"),
    ),
    "unmoved": doubtful(
        _("{metric} has not moved for too long"),
        _("Change what it measures by hand and look whether it follows."),
    ),
    "waiting": doubtful(
        _("{metric}: not enough measured yet"),
        _("Wait and check again, or use --watch."),
    ),
    "went-back": doubtful(
        _("{metric}: the counter went back"),
        _("Was the meter changed or reset? Note it in the log."),
    ),
    "calibrating": doubtful(
        _("{metric} has no value while it is being calibrated"),
        _("Finish the calibration, then check again."),
    ),
    "calibration-old": doubtful(
        _("{metric}: the calibration is too old"),
        _("Run commune node calibrate {of}, then check again."),
    ),
    "calibration-none": doubtful(
        _("{metric} was never calibrated"),
        _("Run commune node calibrate {of}, then check again."),
    ),
    "valueless": broken(
        _("{metric} has no value: {reason}"),
        _("Look at the sensor, its supply and its wires, then check again."),
    ),
    "doubtful": doubtful(
        _("{metric} is doubtful: {reason}"),
        _("Compare it with a measurement by hand."),
    ),
}
