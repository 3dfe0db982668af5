"""The pytest side of the suite: gathers how exact each driver was, and prints it."""

from collections.abc import Iterable, Iterator
from typing import Any

from sensors.figures import UNITS
from simulators.conformance.suite import ACCURACY

Errors = tuple[str, Iterable[tuple[str, str, float]]]
"""A driver, and of each of its metrics: key, UN/CEFACT unit, greatest distance from the truth."""

_seen: list[Errors] = []


def pytest_runtest_logreport(report: Any) -> None:
    """Take the accuracies out of a test's report; pytest calls it in the process that prints."""
    for name, value in report.user_properties if report.when == "call" else []:
        if name == ACCURACY:
            _seen.append(value)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the worst error of each driver's metrics against the true value in the world."""
    if _seen:
        terminalreporter.section("accuracy against the simulated truth")
        for line in table(_seen):
            terminalreporter.write_line(line)


def table(seen: Iterable[Errors]) -> Iterator[str]:
    """Yield a line a driver; of several benches of one driver the worst error of a metric counts."""
    worst: dict[str, dict[str, tuple[str, float]]] = {}
    for driver, metrics in seen:
        known = worst.setdefault(driver, {})
        for key, unit, off in metrics:
            known[key] = unit, max(off, known.get(key, (unit, 0.0))[1])
    for driver, known in sorted(worst.items()):
        errors = (f"{key} {off:.2g} {UNITS.get(unit, unit)}".rstrip() for key, (unit, off) in known.items())
        yield f"{driver:14} {', '.join(errors)}"
