"""Because our own drivers pass the suite that we ask of others, every one of them, and the suite can fail."""

import pytest

from sensors import registry
from sensors.sample import Sample
from simulators.conformance import Conformance
from tests.sensors import benches

for each in benches.BENCHES:
    name = f"Test{each.__name__.removesuffix('Bench')}"
    suite = type(name, (Conformance,), {"bench": each, "__module__": __name__})
    globals()[name] = pytest.mark.slow(suite) if issubclass(each, benches.ModbusBench) else suite
del each, suite


def test_every_installed_driver_has_its_bench():
    assert sorted({each.driver for each in benches.BENCHES}) == registry.drivers()


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
