"""What the devices together say of a wire that none of them can name alone. Pure: findings in, findings out.

One silent unit among others that answer has a wrong address or wire; when all are silent it is the bus:
A and B swapped, the port, the speed. A line that cannot be opened is a right, a library or a chip, whichever
the machine lacks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.check.look import Looked, changed
from sensors.findings import Finding
from sensors.header import BUS_LINES, CONSOLE, PULLED_UP
from sensors.sample import Quality


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine allows; the defaults are those of one that lacks nothing."""

    user: str = ""
    groups: frozenset[str] | None = None  # None: whatever is asked for
    ports: tuple[str, ...] = ()
    denied: frozenset[str] = field(default=frozenset())
    lgpio: bool = True
    chips: bool = True
    buses: frozenset[str] = field(default=frozenset())  # that are switched on, of sensors.header.BUS_LINES
    folder: str = ""  # that lgpio needs and that cannot be written; empty when it can

    def lacks(self, group: str) -> bool:
        """Whether the user is not in a group."""
        return self.groups is not None and group not in self.groups


def conclude(looked: Sequence[Looked], machine: Machine) -> list[Looked]:
    """Return the looks with findings that only all of them together, and the machine, make possible."""
    return [_lines(_rights(_bus(each, looked), machine)) for each in looked]


def _bus(each: Looked, looked: Sequence[Looked]) -> Looked:
    """Judge a unit by the others on its port."""
    codes = [finding.code for finding in each.findings]
    if not {"unit-alone-silent", "unit-garbled"} & set(codes):
        return each
    others = [other for other in looked if other is not each and other.place.port == each.place.port]
    answering = [other for other in others if _answers(other)]

    def judged(finding: Finding) -> Finding:
        facts, where = dict(finding.facts), finding.where
        alike = bool(others) and all(_is(other, finding.code) for other in others)
        if finding.code == "unit-alone-silent" and answering:
            return Finding("unit-silent", where, heard=answering[0].place.unit or 0, **facts)
        if finding.code == "unit-alone-silent" and alike:
            return Finding("bus-silent", where, count=len(others) + 1, **facts)
        if finding.code == "unit-garbled" and alike:
            return Finding("bus-garbled", where, **facts)
        return finding

    return changed(each, [judged(finding) for finding in each.findings])


def _answers(looked: Looked) -> bool:
    """Whether bytes of this unit arrive whole: a refusal or a doubtful value is an answer too."""
    silent = ("unit-alone-silent", "unit-garbled", "port-failed", "hangs", "broken")
    return bool(looked.samples) and not _is(looked, *silent)


def _is(looked: Looked, *codes: str) -> bool:
    return any(finding.code in codes for finding in looked.findings)


def _rights(each: Looked, machine: Machine) -> Looked:
    """Name the right, the library or the plug that is missing behind what cannot be opened."""
    causes = {"port-failed": _port, "line-failed": _gpio}
    found = [
        causes[finding.code](finding, machine) if finding.code in causes else finding
        for finding in each.findings
    ]
    return changed(each, found)


def _port(finding: Finding, machine: Machine) -> Finding:
    if finding.where in machine.denied:
        return Finding("port-denied", finding.where, user=machine.user)
    if finding.where not in machine.ports:
        return Finding("port-missing", finding.where, ports=", ".join(machine.ports) or "-")
    return finding


def _gpio(finding: Finding, machine: Machine) -> Finding:
    if not machine.chips:
        return Finding("no-gpio", finding.where, **finding.facts)
    if not machine.lgpio:
        return Finding("no-lgpio", finding.where)
    if machine.lacks("gpio"):
        return Finding("not-in-group", finding.where, user=machine.user, group="gpio")
    if machine.folder:
        return Finding("folder-unwritable", machine.folder)
    if "busy" in str(finding.facts.get("detail", "")).lower():
        return _taken(finding.where, machine)
    return finding


def _taken(line: str, machine: Machine) -> Finding:
    """Say who holds a line: the kernel for one of its buses, else a program."""
    for bus, lines in BUS_LINES.items():
        if bus in machine.buses and line in lines:
            return Finding("line-of-bus", line, bus=bus)
    return Finding("line-taken", line)


def _lines(each: Looked) -> Looked:
    """Add a doubt for each line that the Pi's board has other plans for."""
    found = list(each.findings)
    for _key, line in each.place.lines:
        if line in PULLED_UP:
            found.append(Finding("line-pulled-up", line))
        elif line in CONSOLE:
            found.append(Finding("line-console", line))
    return changed(each, found)


def worst(looked: Sequence[Looked]) -> Quality:
    """Return the worst quality of all; GOOD of none."""
    return max((each.quality for each in looked), default=Quality.GOOD)
