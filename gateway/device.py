"""A device that always answers: whatever its driver does, its reading is samples, some of them bad."""

import logging
from collections.abc import Sequence

from gateway.config import DeviceConfig, bus_of
from gateway.judging import Judge
from sensors import registry, settings
from sensors.calibration import Calibrations
from sensors.errors import BusError, SensorError
from sensors.findings import Diagnosing, Finding
from sensors.io import IO
from sensors.reasons import CALIBRATING
from sensors.sample import Metric, Quality, Sample, bad

RETRY_NS = 30_000_000_000  # a device that cannot be opened is most often not plugged in yet

log = logging.getLogger(__name__)


class Device:
    """One configured device behind its driver. All methods but `fault` belong to the thread of its bus."""

    def __init__(self, config: DeviceConfig, io: IO, history: Calibrations | None = None) -> None:
        """Make the driver, calibrated by a history; raise ConfigError when its settings cannot work."""
        kind = registry.driver(config.driver)
        checked = settings.convert(config.config, kind.Config, f"device {config.id}: [config] ")
        self.id = config.id
        self.bus = bus_of(config, checked)
        self.fault = ""  # what is wrong now, in words; empty when all is well
        self.error: Exception | None = None  # what escaped from the driver the last time
        self._driver = kind(checked, io)
        self._judge = Judge(config, self.metrics, io.clock, history or Calibrations())
        self._clock = io.clock
        self._open = False
        self._retry_ns = 0
        self._aside_ns: int | None = None
        self._reason = self._kind = ""

    @property
    def metrics(self) -> list[str]:
        """Return the keys of what the device measures."""
        return [metric.key for metric in self._driver.metrics]

    @property
    def kinds(self) -> tuple[Metric, ...]:
        """Return what the device measures."""
        return tuple(self._driver.metrics)

    def open(self) -> None:
        """Open the device; when that fails, `read` tries again after a pause."""
        try:
            self._driver.open()
        except Exception as error:  # noqa: BLE001 - one broken device must not stop its bus
            self._retry_ns = self._clock.monotonic_ns() + RETRY_NS
            self._failed(error)
            self.close()  # it may hold one of its lines, which the next try would find taken
        else:
            self._open = True

    def read(self) -> dict[str, Sample]:
        """Return one sample for each metric, checked and calibrated; takes as long as the driver does.

        While it is set aside all are bad: what a probe says of a buffer is not so of the water.
        """
        if self._aside_ns is not None and self._clock.monotonic_ns() < self._aside_ns:
            return self.all_bad(CALIBRATING)
        return self._judge.judge(self.ask())

    def set_aside(self, until_ns: int | None) -> None:
        """Give no values until a monotonic time, for the device is being calibrated; None ends it."""
        self._aside_ns = until_ns

    def measure(self) -> dict[str, Sample]:
        """Return what the driver gives now, without waiting for a retry; for a calibration."""
        self._retry_ns = 0
        return self.ask()

    def ask(self) -> dict[str, Sample]:
        """Return one sample for each metric as the driver gives it, bad ones with the reason."""
        if not self._open and self._clock.monotonic_ns() >= self._retry_ns:
            self.open()
        if not self._open:
            return self.all_bad(self._reason)
        try:
            samples = self._driver.read()
        except Exception as error:  # noqa: BLE001 - one broken device must not stop its bus
            return self.all_bad(self._failed(error))
        self._recovered()
        return self._complete(samples)

    def look(self) -> tuple[dict[str, Sample], Sequence[Finding]]:
        """Read without waiting for a retry, and let the driver look closer; only a check asks for it."""
        self._retry_ns = 0
        samples = self.read()
        findings = self._diagnose()
        if not findings and any(sample.quality is Quality.BAD for sample in samples.values()):
            samples = self.read()  # it was left out of the polls, or waited, and may answer now
            findings = self._diagnose()
        return samples, findings

    def close(self) -> None:
        """Give lines and ports back."""
        try:
            self._driver.close()
        except Exception:
            # A third party's driver may fail in any way; the other devices are still to be closed.
            log.exception("device %s does not close", self.id)
        self._open = False

    def switch(self, on: bool) -> None:
        """Switch an actuator; raise BusError when it cannot be opened, switches nothing, does not follow."""
        if not isinstance(self._driver, registry.Actuator):
            raise BusError("fault", f"device {self.id} switches nothing")
        if not self._open:
            self.open()
        if not self._open:
            raise BusError(self._reason, self.fault)
        try:
            self._driver.switch(on)
        except BusError:
            raise
        except Exception as error:
            # A third party's driver may fail in any way; whoever commanded is told.
            raise BusError("fault", f"{type(error).__name__}: {error}") from error

    def all_bad(self, reason: str) -> dict[str, Sample]:
        """Return what stands for a reading that there is not."""
        return {metric: bad(metric, reason) for metric in self.metrics}

    def _diagnose(self) -> Sequence[Finding]:
        if not self._open or not isinstance(self._driver, Diagnosing):
            return ()
        try:
            return self._driver.diagnose()
        except Exception as error:  # noqa: BLE001 - a driver that cannot explain itself must not end the check
            self.error = self.error or error
            return ()

    def _complete(self, samples: Sequence[Sample]) -> dict[str, Sample]:
        return self.all_bad("fault") | {sample.metric: sample for sample in samples}

    def _failed(self, error: Exception) -> str:
        """Remember and, once per change, log what is wrong; return its reason code."""
        self.error = error
        if isinstance(error, BusError):
            reason, kind, trace = error.reason, error.reason, None
        else:
            # A missing library or a taken line has said it all; of anything else the trace is the best clue.
            known = isinstance(error, SensorError)
            reason, kind, trace = "fault", type(error).__name__, None if known else error
        if kind != self._kind:  # by kind: a message with a changing number must not fill the journal
            self.fault = f"{type(error).__name__}: {error}" if reason == "fault" else str(error)
            log.warning("device %s: %s", self.id, self.fault, exc_info=trace)
        self._reason, self._kind = reason, kind
        return reason

    def _recovered(self) -> None:
        self.error = None
        if self.fault:
            log.info("device %s answers again", self.id)
            self.fault = self._kind = ""
