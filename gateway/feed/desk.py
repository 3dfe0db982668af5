"""What is said at the desk of a running node: a unix socket, one JSON object a line.

A caller writes one `Ask` a line and reads answers until one that `is` done or refused. Unknown keys are
ignored. The edge may speak it too.
"""

from typing import Annotated, Literal

import msgspec

from sensors.calibration.record import Kind, Point

LONGEST_LINE = 65_536  # of a question, in bytes
LONGEST_ANSWER = 4_000_000  # a certificate holds a page

Lang = Literal["vi", "en"]
Quality = Literal["good", "uncertain", "bad"]
Act = Literal["start", "measure", "point", "back", "finish", "cancel"]


class Ask(msgspec.Struct, omit_defaults=True):
    """A question: what to do, for which device ("" is all), and in which language to say it.

    `calibrate` is one act of leading `who` through the calibration of `target`: "asset", "asset.input",
    "device" or "device.metric" at the `start`, and from then on what `Stepped` calls `of`. `measure` reads
    once. `point` answers a step, with a `number` where one is wanted and else with the steady reading; given
    the number of the `step` it means, it answers none twice. `back` takes the last answer back, `finish`
    keeps what was made, `cancel` gives it up. `points`, measured already, are taken at the start.
    """

    do: Literal["devices", "check", "wiring", "calibrations", "certificate", "targets", "calibrate"]
    device: Annotated[str, msgspec.Meta(max_length=64)] = ""
    lang: Lang = "vi"
    who: Annotated[str, msgspec.Meta(max_length=100)] = ""
    act: Act | None = None
    target: Annotated[str, msgspec.Meta(max_length=130)] = ""
    kind: Kind | None = None
    step: int | None = None
    number: float | None = None
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""
    points: Annotated[tuple[Point, ...], msgspec.Meta(max_length=2)] = ()


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
    """One calibration as it was made: of which value, of which kind, since when (RFC 3339), by whom.

    true = `gain` x own + `offset`; `points` are what the device said and what was true; `text` is what came
    of it, for people.
    """

    of: str
    kind: str
    at: str
    by: str
    note: str = ""
    gain: float = 1.0
    offset: float = 0.0
    points: tuple[Point, ...] = ()
    facts: dict[str, float] = {}
    text: str = ""


class Target(msgspec.Struct, tag_field="is", tag="target", omit_defaults=True):
    """Something that can be calibrated: its name, the metric that is read for it, the kind that fits.

    `at` and `by` are of the calibration that holds, "" when there is none; `assets` are the ids of all that
    are made true by it.
    """

    of: str
    name: str
    device: str
    metric: str
    unit: str
    kind: Kind
    at: str = ""
    by: str = ""
    assets: tuple[str, ...] = ()


class Stepped(msgspec.Struct, tag_field="is", tag="step", omit_defaults=True):
    """Where a calibration stands: `sentence` is what to do in step `number` of `count`.

    It `wants` a number (in `unit`; `usual` is the likely one), a steady reading, or after the last step to be
    finished: then `made` is what would be kept. `own` is the device's number of the last reading, missing
    when that was bad; `text` is the same for people, `seen` how many of `needed` readings agree so far. When
    the points cannot be right, `refused` says why and the steps begin anew. Without a further word it is
    given up after `left_s` seconds.
    """

    of: str
    kind: Kind
    device: str
    metric: str
    by: str
    number: int
    count: int
    wants: Literal["number", "measure", "finish"]
    sentence: str
    left_s: float
    unit: str = ""
    usual: float | None = None
    own: float | None = None
    text: str = ""
    reason: str = ""
    seen: int = 0
    needed: int = 0
    steady: bool = False
    refused: str = ""
    made: list[Calibrated] = []


class Certified(msgspec.Struct, tag_field="is", tag="certified"):
    """An installation certificate: its data, and the same as a page."""

    data: msgspec.Raw
    html: str


class Done(msgspec.Struct, tag_field="is", tag="done"):
    """The last answer; the worst quality that was met."""

    quality: Quality = "good"


class Refused(msgspec.Struct, tag_field="is", tag="refused", omit_defaults=True):
    """The last answer to a question that cannot be answered, and why.

    It is `wrong` when it asks for something that there is not.
    """

    error: str
    wrong: bool = False


Answer = Checked | Looking | Wired | Calibrated | Certified | Target | Stepped | Done | Refused
