"""What is said at the desk of a running node: a unix socket, one JSON object a line.

A caller writes one `Ask` a line and reads answers until one that `is` done or refused. Unknown keys are
ignored. The edge may speak it too.
"""

from typing import Annotated, Literal

import msgspec

LONGEST_LINE = 65_536  # of a question, in bytes
LONGEST_ANSWER = 4_000_000  # a certificate holds a page

Lang = Literal["vi", "en"]
Quality = Literal["good", "uncertain", "bad"]


class Ask(msgspec.Struct, omit_defaults=True):
    """A question: what to do, for which device ("" is all), and in which language to say it."""

    do: Literal["devices", "check", "wiring", "calibrations", "certificate"]
    device: Annotated[str, msgspec.Meta(max_length=64)] = ""
    lang: Lang = "vi"
    who: Annotated[str, msgspec.Meta(max_length=200)] = ""


class Measured(msgspec.Struct, omit_defaults=True):
    """One quantity: its value and UN/CEFACT unit, how good it is, and the same as people read it."""

    metric: str
    unit: str
    quality: Quality
    text: str
    value: float | int | bool | str | None = None
    reason: str = ""
    raw: float | None = None


class Told(msgspec.Struct, omit_defaults=True):
    """One finding: its code, the place, what is wrong, and where to look or what to do next."""

    code: str
    severity: Quality
    wrong: str
    look: str
    where: str = ""
    facts: dict[str, str | int | float] = {}


class Checked(msgspec.Struct, tag_field="is", tag="checked"):
    """What came of the look at one device."""

    device: str
    driver: str
    bus: str
    quality: Quality
    measured: list[Measured]
    told: list[Told]


class Looking(msgspec.Struct, tag_field="is", tag="looking"):
    """The device that is being looked at now: number `number` of `count`."""

    device: str
    number: int
    count: int


class Claim(msgspec.Struct, omit_defaults=True):
    """One key of a device's settings and the line it claims, with its pin on the header."""

    key: str
    line: str
    pin: int | None = None


class Wired(msgspec.Struct, tag_field="is", tag="wired", omit_defaults=True):
    """How a device is wired, as its configuration says."""

    device: str
    driver: str
    bus: str
    port: str = ""
    unit: int | None = None
    lines: list[Claim] = []


class Calibrated(msgspec.Struct, tag_field="is", tag="calibrated", omit_defaults=True):
    """One calibration as it was made: of which value, of which kind, since when (RFC 3339), by whom."""

    of: str
    kind: str
    at: str
    by: str
    note: str = ""


class Certified(msgspec.Struct, tag_field="is", tag="certified"):
    """An installation certificate: its data, and the same as a page."""

    data: msgspec.Raw
    html: str


class Done(msgspec.Struct, tag_field="is", tag="done"):
    """The last answer; the worst quality that was met."""

    quality: Quality = "good"


class Refused(msgspec.Struct, tag_field="is", tag="refused"):
    """The last answer to a question that cannot be answered, and why."""

    error: str


Answer = Checked | Looking | Wired | Calibrated | Certified | Done | Refused
