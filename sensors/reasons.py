"""Why a value is doubtful or missing: the one list of reason codes, with their words and their OPC UA status.

A code stands in `qr` of the feed; its sentence goes through the catalogue when it is shown, and `_` only
marks it for that. A driver that needs a new code adds a line here.
"""

from dataclasses import dataclass

from sensors.sample import Quality

CALIBRATING = "calibrating"  # a person is at it: no value, and no fault either


def _(text: str) -> str:
    return text


STATUS: dict[str, int] = {
    "Good": 0x00000000,
    "Uncertain": 0x40000000,
    "UncertainLastUsableValue": 0x40900000,
    "UncertainSensorNotAccurate": 0x40930000,
    "UncertainEngineeringUnitsExceeded": 0x40940000,
    "UncertainSubNormal": 0x40950000,
    "Bad": 0x80000000,
    "BadCommunicationError": 0x80050000,
    "BadNoCommunication": 0x80310000,
    "BadWaitingForInitialData": 0x80320000,
    "BadConfigurationError": 0x80890000,
    "BadNotConnected": 0x808A0000,
    "BadDeviceFailure": 0x808B0000,
    "BadSensorFailure": 0x808C0000,
    "BadOutOfService": 0x808D0000,
}
"""OPC UA's status codes that stand for our qualities (OPC 10000-4, annex A, and OPC 10000-8, 6.3)."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: what it says, and the names of the OPC UA status codes it stands for.

    `bad` is empty when it never makes a value bad, `uncertain` when it always does.
    """

    code: str
    sentence: str
    uncertain: str = ""
    bad: str = ""

    @property
    def worst(self) -> Quality:
        """Return the worst quality that this reason can give."""
        return Quality.BAD if self.bad else Quality.UNCERTAIN

    def status(self, quality: Quality) -> tuple[str, int]:
        """Return name and number of the OPC UA status code; the severity's own when none fits better."""
        name = {Quality.GOOD: "Good", Quality.UNCERTAIN: self.uncertain, Quality.BAD: self.bad}[quality]
        name = name or quality.name.capitalize()
        return name, STATUS[name]


_INACCURATE = "UncertainSensorNotAccurate"
_FAILURE = "BadSensorFailure"

_ALL = (
    # the way to the device
    Reason("no-comm", _("the sensor does not answer"), bad="BadNoCommunication"),
    Reason("crc", _("garbled on the wire"), bad="BadCommunicationError"),
    Reason("refused", _("the device refuses the question"), bad="BadConfigurationError"),
    Reason("closed", _("the sensor is switched off"), bad="BadOutOfService"),
    Reason("fault", _("the device reports a fault"), _INACCURATE, "BadDeviceFailure"),
    # what the device says
    Reason("no-echo", _("no echo comes back"), bad=_FAILURE),
    Reason("no-value", _("the device has no value"), bad=_FAILURE),
    Reason("waiting", _("not enough measured yet"), bad="BadWaitingForInitialData"),
    Reason("range", _("outside the possible range"), "UncertainEngineeringUnitsExceeded", _FAILURE),
    Reason("spread", _("the measurements scatter too much"), _INACCURATE),
    Reason("pulses-lost", _("pulses may be missing"), "UncertainSubNormal"),
    Reason("went-back", _("the counter went back"), _INACCURATE),
    Reason("not-followed", _("it did not do as it was told"), _INACCURATE),
    Reason("loop-open", _("no current: the loop is open"), bad="BadNotConnected"),
    Reason("signal-low", _("the signal is too low to mean a value"), bad=_FAILURE),
    Reason("signal-high", _("the signal is too high to mean a value"), bad=_FAILURE),
    Reason("reversed", _("negative: its wires are swapped"), bad="BadConfigurationError"),
    Reason("power-on", _("it has only just got power back"), bad="BadWaitingForInitialData"),
    Reason("line-low", _("its data line is held low"), bad="BadNotConnected"),
    Reason("echo-held", _("its echo line stays high"), bad=_FAILURE),
    Reason("stretched", _("disturbed while it was read"), bad="BadCommunicationError"),
    Reason("interference", _("another sensor disturbs it"), bad=_FAILURE),
    Reason("restart-gap", _("what passed during the restart was not counted"), "UncertainSubNormal"),
    Reason("unsteady", _("changes without rest: a loose wire"), _INACCURATE),
    # what the values of some time say
    Reason("spike", _("a jump that cannot be"), _INACCURATE),
    Reason("jump", _("a jump that cannot be"), _INACCURATE),
    Reason("rate", _("changes faster than it can"), _INACCURATE),
    Reason("stuck", _("has not moved for too long"), "UncertainLastUsableValue", _FAILURE),
    Reason("calibration", _("the calibration is too old"), _INACCURATE),
    Reason("uncalibrated", _("not calibrated"), _INACCURATE),
    # what other inputs say
    Reason("lid-open", _("the lid is open"), _INACCURATE),
    Reason("no-temperature", _("not corrected, the temperature is missing"), "UncertainSubNormal"),
    Reason("ph-range", _("cannot be measured at this pH"), _INACCURATE),
    Reason("valve-shut", _("flow although the valve is shut"), _INACCURATE, _FAILURE),
    Reason("meter-stopped", _("no flow although the pump runs"), _INACCURATE),
    Reason("no-flow", _("no water flows over the probe"), _INACCURATE),
    Reason("dark-at-noon", _("dark at noon: covered, dirty or broken"), _INACCURATE, _FAILURE),
    Reason("light-at-night", _("bright at night: a lamp shines on it"), _INACCURATE),
    # the node's own
    Reason(CALIBRATING, _("it is being calibrated"), bad="BadOutOfService"),
    Reason("clock", _("the time is not certain"), "Uncertain"),
)

REASONS: dict[str, Reason] = {reason.code: reason for reason in _ALL}


def sentence(code: str) -> str:
    """Return the English sentence of a code, to be translated; a stranger's code stands for itself."""
    return REASONS[code].sentence if code in REASONS else code


def status(code: str, quality: Quality) -> tuple[str, int]:
    """Return name and number of the OPC UA status code for a quality with its reason."""
    return REASONS.get(code, Reason(code, code)).status(quality)
