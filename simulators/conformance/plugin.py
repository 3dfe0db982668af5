"""The pytest side of the suite: gathers how exact each driver was, and prints it."""

from typing import Any

from simulators.conformance.suite import ACCURACY

_seen: dict[str, list[tuple[str, str, float]]] = {}


def pytest_runtest_logreport(report: Any) -> None:
    """Take the accuracies out of a test's report; pytest calls it in the process that prints."""
    for name, value in report.user_properties if report.when == "call" else []:
        if name == ACCURACY:
            driver, metrics = value
            _seen[driver] = [(key, unit, off) for key, unit, off in metrics]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the worst error of each driver's metrics against the true value in the world."""
    if not _seen:
        return
    terminalreporter.section("accuracy against the simulated truth")
    for driver in sorted(_seen):
        errors = ", ".join(f"{key} {off:.3g} {unit}" for key, unit, off in _seen[driver])
        terminalreporter.write_line(f"{driver:14} {errors}")
