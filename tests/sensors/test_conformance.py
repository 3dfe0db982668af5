"""Because our own drivers pass the suite that we ask of others, every one of them, and the suite can fail."""

from pathlib import Path

import pytest

from sensors import registry
from sensors.sample import Sample
from simulators.conformance import Conformance
from simulators.conformance.plugin import table
from tests.sensors import benches

DEVELOP = Path(__file__).parents[2] / "docs" / "develop.md"

for each in benches.BENCHES:
    name = f"Test{each.__name__.removesuffix('Bench')}"
    suite = type(name, (Conformance,), {"bench": each, "__module__": __name__})
    globals()[name] = pytest.mark.slow(suite) if issubclass(each, benches.ModbusBench) else suite
del each, suite


def test_every_installed_driver_has_its_bench():
    assert sorted({each.driver for each in benches.BENCHES}) == registry.drivers()


@pytest.mark.slow
def test_the_accuracies_in_the_documents_are_those_of_a_run():
    """Make them anew by the command that stands above them there."""
    seen = []
    for bench in benches.BENCHES:
        suite = type("Suite", (Conformance,), {"bench": bench})()
        suite.test_it_reads_right(lambda _name, errors: seen.append(errors))
    made = "\n".join(table(seen))
    assert f"```\n{made}\n```" in DEVELOP.read_text(encoding="utf-8"), made


@pytest.mark.parametrize(
    ("test", "says"),
    [
        ("test_a_device_that_is_absent_gives_no_value", "not there"),
        ("test_it_waits_for_a_device_that_is_absent_at_the_start", "not there"),
    ],
)
def test_a_driver_that_repeats_its_last_value_does_not_pass(monkeypatch, test, says):
    kind = registry.driver("ds18b20")

    class Liar(kind):
        def read(self):
            try:
                self.last = super().read()
            except OSError:
                if not hasattr(self, "last"):
                    return [Sample("temperature", 0.0)]
            return self.last

    monkeypatch.setattr(registry, "driver", lambda _: Liar)
    suite = type("Suite", (Conformance,), {"bench": benches.ThermometerBench})()
    with pytest.raises(AssertionError, match=says):
        getattr(suite, test)()
