"""The tests themselves: one class, inherited once a driver. It needs pytest to run it, and imports none."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NoReturn

from sensors import registry
from sensors.errors import BusError, ConfigError, SensorError
from sensors.figures import UNITS
from sensors.registry import Driver
from sensors.sample import Quality, Sample
from sensors.settings import convert
from simulators.clock import VirtualClock
from simulators.conformance.bench import Bench, Truth
from simulators.io import SimIO

KNOWN_UNITS = frozenset(UNITS) | {"HTZ", "MMT", "CMT", "PAL", "KVT", "MIN", "LTR", "GRM", "2N"}
ACCURACY = "commune accuracy"

Record = Callable[[str, object], None]


class Conformance:
    """What every driver must show. Set `bench` and let pytest collect the subclass."""

    bench: ClassVar[type[Bench]]

    def test_it_is_installed_and_its_settings_refuse_what_they_do_not_know(self) -> None:
        """A wrong key in a technician's file is an error that names it, not a silence."""
        kind = registry.driver(self.bench.driver)
        convert(dict(self.bench.config), kind.Config)
        try:
            convert({**self.bench.config, "gremlin": 1}, kind.Config)
        except ConfigError as error:
            _require("gremlin" in str(error), f"the error does not name the key: {error}")
        else:
            _fail("a key that does not exist is taken in silence")

    def test_it_measures_what_it_says_in_units_that_everybody_knows(self) -> None:
        """Keys are unique, units are UN/CEFACT codes, and one sample comes for each metric, in order."""
        with self._opened() as (bench, driver):
            units = {metric.key: metric.unit for metric in driver.metrics}
            _require(units == dict(bench.units), f"metrics are {units}, not {dict(bench.units)}")
            _require(len(units) == len(driver.metrics), "two metrics have one key")
            _require(
                set(units.values()) <= KNOWN_UNITS, f"no UN/CEFACT codes: {set(units.values()) - KNOWN_UNITS}"
            )
            bench.show(bench.truths()[0])
            keys = [sample.metric for sample in driver.read()]
            _require(keys == list(units), f"samples {keys} are not the metrics {list(units)}")

    def test_it_reads_right(self, record_property: Record) -> None:
        """Every truth of the bench comes out good, and as near to it as the bench allows."""
        worst: dict[str, float] = {}
        with self._opened() as (bench, driver):
            for truth in bench.truths():
                bench.show(truth)
                for sample in self._read(bench, driver):
                    if sample.metric not in truth:
                        continue
                    _require(sample.quality is Quality.GOOD, f"{sample}: it is {dict(truth)}")
                    off = _off(bench, sample, truth)
                    worst[sample.metric] = max(worst.get(sample.metric, 0.0), off)
                    allowed = bench.allowed(sample.metric, truth[sample.metric])
                    _require(off <= allowed + 1e-9, f"{sample} is {off:g} off {truth[sample.metric]}")
            missing = set(bench.units) - set(worst) - bench.unknown
            _require(not missing, f"no truth was shown of {missing}")
        record_property(
            ACCURACY, [self.bench.driver, [[key, bench.units[key], off] for key, off in worst.items()]]
        )

    def test_a_device_that_is_absent_gives_no_value(self) -> None:
        """Not the last one, not zero."""
        self._survives("absent", silent=True)

    def test_garbage_is_no_value(self) -> None:
        """Nonsense on the wire is doubted or bad, and never a good value that is not true."""
        self._survives("garbage")

    def test_a_slow_device_does_not_hold_up_the_bus(self) -> None:
        """A read comes back in time, whatever the device does."""
        self._survives("slow")

    def test_it_waits_for_a_device_that_is_absent_at_the_start(self) -> None:
        """The node starts before its sensors: opened again, the driver must find what has come."""
        if "absent" in self.bench.cannot:
            return
        with self._wired() as (bench, make):
            bench.show(bench.truths()[0])
            bench.absent()
            driver = make()
            self._try_open(driver)
            self._no_value(bench, self._read(bench, driver, lenient=True))
            driver.close()
            bench.mend()
            driver.open()
            bench.prepared(driver)
            bench.show(bench.truths()[0])
            self._becomes_good(bench, driver)
            driver.close()

    def test_it_closes_twice_and_gives_back_what_it_held(self) -> None:
        """Another driver can take the same lines; a closed one raises nothing but BusError."""
        with self._wired() as (bench, make):
            first, second = make(), make()
            first.close()
            first.open()
            first.close()
            first.close()
            self._read(bench, first, lenient=True)
            second.open()
            bench.prepared(second)
            bench.show(bench.truths()[0])
            self._becomes_good(bench, second)
            second.close()

    def test_each_fault_that_it_cannot_have_is_told_with_the_reason(self) -> None:
        """No way out in silence."""
        for fault, why in self.bench.cannot.items():
            _require(
                fault in ("absent", "garbage", "slow") and len(why) > 10, f"{fault}: {why!r} is no reason"
            )

    def _survives(self, fault: str, *, silent: bool = False) -> None:
        if fault in self.bench.cannot:
            return
        with self._opened() as (bench, driver):
            truth = bench.truths()[0]
            bench.show(truth)
            self._becomes_good(bench, driver)
            bench.faults()[fault]()
            for _ in range(3):
                bench.again()
                samples = self._read(bench, driver, lenient=True)
                if silent:
                    self._no_value(bench, samples)
                for sample in samples:
                    self._not_false(bench, sample, truth)
            bench.mend()
            self._becomes_good(bench, driver)

    def _not_false(self, bench: Bench, sample: Sample, truth: Truth) -> None:
        if sample.quality is Quality.GOOD and sample.metric in truth:
            off = _off(bench, sample, truth)
            allowed = bench.allowed(sample.metric, truth[sample.metric])
            _require(off <= allowed + 1e-9, f"{sample} is called good, the truth is {truth[sample.metric]}")

    def _becomes_good(self, bench: Bench, driver: Driver) -> None:
        samples: Sequence[Sample] = ()
        for _ in range(bench.recovers_within):
            bench.again()
            samples = self._read(bench, driver, lenient=True)
            known = [sample for sample in samples if sample.metric not in bench.unknown]
            if known and all(sample.quality is Quality.GOOD for sample in known):
                return
        _fail(f"not good again after {bench.recovers_within} reads: {samples}")

    def _no_value(self, bench: Bench, samples: Sequence[Sample]) -> None:
        samples = [sample for sample in samples if sample.metric not in bench.unknown]
        _require(
            all(sample.value is None for sample in samples),
            f"a value of a device that is not there: {samples}",
        )

    def _read(self, bench: Bench, driver: Driver, *, lenient: bool = False) -> Sequence[Sample]:
        """Read in bounded time; lenient, a BusError is no samples."""
        clock = bench.io.clock
        began_ns, began = clock.monotonic_ns(), time.monotonic()
        try:
            samples: Sequence[Sample] = driver.read()
        except BusError as error:
            _require(lenient, f"{type(error).__name__} of a sound device: {error}")
            _require(bool(error.reason), "a BusError without a reason")
            samples = ()
        took = max((clock.monotonic_ns() - began_ns) / 1e9, time.monotonic() - began)
        _require(took <= bench.longest_s, f"a read took {took:.1f} s, more than {bench.longest_s:g} s")
        return samples

    def _try_open(self, driver: Driver) -> None:
        try:
            driver.open()
        except SensorError:
            driver.close()  # as a node does: it may hold one of two lines

    @contextmanager
    def _wired(self) -> Iterator[tuple[Bench, Callable[[], Any]]]:
        io = SimIO(VirtualClock())
        try:
            bench = self.bench(io)
            kind = registry.driver(bench.driver)
            yield bench, lambda: kind(convert(dict(bench.config), kind.Config), io)
        finally:
            io.close()

    @contextmanager
    def _opened(self) -> Iterator[tuple[Bench, Driver]]:
        with self._wired() as (bench, make):
            driver = make()
            driver.open()
            bench.prepared(driver)
            yield bench, driver
            driver.close()


def _off(bench: Bench, sample: Sample, truth: Truth) -> float:
    if sample.value is None:
        return float("inf")
    return bench.off_by(sample.metric, sample.value, truth[sample.metric])


def _require(true: bool, otherwise: str) -> None:
    if not true:
        _fail(otherwise)


def _fail(why: str) -> NoReturn:
    raise AssertionError(why)
