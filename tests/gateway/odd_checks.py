"""Because some findings need more than a broken wire: a hanging driver, a stranger's, a calibration's age."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

from gateway.check.look import Place, hung, look, wiring_conflicts
from sensors import registry
from sensors.errors import BusError
from sensors.findings import Finding
from sensors.io import PulseSnapshot
from sensors.io.keeper import MemoryKeeper
from sensors.sample import Metric, Quality, Sample, bad
from sensors.settings import convert
from simulators.clock import VirtualClock
from simulators.io import SimIO
from simulators.signals.relay import RelaySignal

PLACE = Place("ph", "stranger", "uart-1")


def of_samples(*samples: Sample, place: Place = PLACE, unit: str = "Q30") -> list[Finding]:
    """Return what a check says of a driver that has nothing to say of its wires itself."""
    metrics = tuple(Metric(each.metric, unit) for each in samples)
    read = {each.metric: each for each in samples}
    device = SimpleNamespace(look=lambda: (read, ()), kinds=metrics, error=None)
    return list(look(place, device).findings)


def of_error(error: Exception, place: Place = PLACE) -> list[Finding]:
    """Return what a check says when this escaped from a driver."""
    read = {"pH": bad("pH", "fault")}
    device = SimpleNamespace(look=lambda: (read, ()), kinds=(Metric("pH", "Q30"),), error=error)
    return list(look(place, device).findings)


def doubted(reason: str) -> Sample:
    return Sample("pH", 7.0, Quality.UNCERTAIN, reason)


def relay_that_does_not_follow() -> Iterator[Finding]:
    """Switch a dead contactor on: a check itself switches nothing."""
    io = SimIO(VirtualClock())
    contactor = RelaySignal(io.clock, io.pin("GPIO22"), io.pin("GPIO26"))
    contactor.faults.inject("dead")
    kind = registry.driver("relay")
    driver = kind(convert({"line": "GPIO22", "feedback": "GPIO26"}, kind.Config), io)
    driver.open()
    try:
        driver.switch(True)
    except BusError:
        yield from driver.diagnose()
    finally:
        io.close()


def pulses_that_overflowed() -> list[Finding]:
    """Let the kernel's buffer have overflowed, which mock pins have none of."""
    counter = SimpleNamespace(snapshot=lambda: PulseSnapshot(400, 184, 1, 2), close=lambda: None)
    io = SimpleNamespace(
        clock=VirtualClock(), keeper=lambda _: MemoryKeeper(), pulses=lambda *_, **__: counter
    )
    kind = registry.driver("pulse-flow")
    driver = kind(convert({"line": "GPIO17", "litres_per_pulse": 10.0}, kind.Config), io)
    driver.open()
    return list(driver.diagnose())


def two_on_one_line() -> list[Finding]:
    lines = (("line", "GPIO17"),)
    return wiring_conflicts(
        [Place("lid", "contact", "gpio", lines=lines), Place("door", "contact", "gpio", lines=lines)]
    )


ODD: dict[str, Callable[[], object]] = {
    "no-answer": lambda: of_samples(bad("pH", "no-comm")),
    "valueless": lambda: of_samples(bad("pH", "closed")),
    "calibrating": lambda: of_samples(bad("pH", "calibrating")),
    "calibration-old": lambda: of_samples(doubted("calibration")),
    "broken": lambda: of_error(ZeroDivisionError("division by zero")),
    "hangs": lambda: hung(PLACE, 20.0).findings,
    "line-conflict": two_on_one_line,
    "relay-dead": relay_that_does_not_follow,
    "pulses-lost": pulses_that_overflowed,
}
"""code -> what lets a check say it, and gives what it says."""
