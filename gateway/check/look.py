"""One device looked at closely: what it read, and what it or its silence says of its wires."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from gateway.config import DeviceConfig, bus_of
from gateway.device import Device
from gateway.wiring import SHARED, marked, shared_lines
from sensors import registry, settings
from sensors.errors import BusError, ConfigError, IOUnavailable
from sensors.findings import Finding
from sensors.sample import Metric, Quality, Sample

_BY_REASON = {
    "no-comm": "no-answer",
    "crc": "garbled",
    "range": "out-of-range",
    "stuck": "unmoved",
    "waiting": "waiting",
    "went-back": "went-back",
    "spread": "echo-spread",
    "no-value": "unit-no-value",
    "interference": "echo-interference",
    "calibrating": "calibrating",
    "calibration": "calibration-old",
    "uncalibrated": "calibration-none",
}

RAW = "raw"  # in the place of a unit: the number is the device's own


@dataclass(frozen=True, slots=True)
class Place:
    """Where a device is wired, as its configuration says."""

    device: str
    driver: str
    bus: str
    port: str = ""
    unit: int | None = None
    lines: tuple[tuple[str, str], ...] = ()  # key of the setting, line
    shared: tuple[str, ...] = ()  # lines of the SPI bus

    @classmethod
    def of(cls, config: DeviceConfig) -> "Place":
        """Read it from a device's table; raise ConfigError when its settings cannot work."""
        kind = registry.driver(config.driver)
        checked = settings.convert(config.config, kind.Config, f"device {config.id}: [config] ")
        ports = [port for _, port in marked(checked, "port")]
        unit = getattr(checked, "unit", None)
        return cls(
            config.id,
            config.driver,
            bus_of(config, checked),
            ports[0] if ports else "",
            unit if isinstance(unit, int) else None,
            tuple(marked(checked, "line")),
            shared_lines(checked),
        )


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of a look at one device."""

    place: Place
    metrics: tuple[Metric, ...] = ()
    samples: tuple[Sample, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    @property
    def quality(self) -> Quality:
        """The worst of what was read and found."""
        found = [each.quality for each in self.samples] + [each.severity for each in self.findings]
        return max(found, default=Quality.GOOD)


def look(place: Place, device: Device) -> Looked:
    """Read a device and let it say what is wrong; on the thread of its bus. Raises nothing that it meets."""
    samples, findings = device.look()
    ordered = [samples[metric.key] for metric in device.kinds]
    found = (
        list(findings)
        or list(_of_error(place, device.error))
        or list(_of_samples(place, device.kinds, ordered))
    )
    return Looked(place, device.kinds, tuple(ordered), tuple(found))


def hung(place: Place, seconds: float) -> Looked:
    """Return what is known of a device that does not come back."""
    return Looked(place, findings=(Finding("hangs", place.port or place.bus, seconds=round(seconds)),))


def wiring_conflicts(places: Iterable[Place]) -> list[Finding]:
    """Find lines that two devices claim."""
    holders: dict[str, str] = {}
    found = []
    for place in places:
        named = [(line, f"{place.device} ({key})") for key, line in place.lines]
        for line, name in [*named, *((line, SHARED) for line in place.shared)]:
            holder = holders.setdefault(line, name)
            if holder != name:
                found.append(Finding("line-conflict", line, first=holder, second=name))
    return found


def _of_error(place: Place, error: Exception | None) -> Iterable[Finding]:
    """Explain what escaped from a driver. A BusError is in its samples already."""
    if error is None or isinstance(error, BusError):
        return
    detail = str(error) or type(error).__name__
    named = [line for _, line in place.lines if detail.startswith(f"{line}:")]
    if isinstance(error, IOUnavailable) and place.port:
        yield Finding("port-failed", place.port, detail=detail)
    elif isinstance(error, IOUnavailable):
        lines = named or [line for _, line in place.lines] or [place.bus]
        yield Finding("line-failed", lines[0], detail=detail.removeprefix(f"{lines[0]}: "))
    elif isinstance(error, ConfigError) and named:
        yield Finding("line-taken", named[0])
    elif isinstance(error, ConfigError):
        yield Finding("settings-wrong", place.bus, detail=detail)
    else:
        yield Finding("broken", place.bus, detail=f"{type(error).__name__}: {detail}")


def _of_samples(place: Place, metrics: Sequence[Metric], samples: Sequence[Sample]) -> Iterable[Finding]:
    """Say of each reason once what it means where the driver itself has nothing to say."""
    units = {metric.key: metric.unit for metric in metrics}
    said = set()
    for sample in samples:
        if sample.quality is Quality.GOOD or sample.reason in said:
            continue
        said.add(sample.reason)
        where = place.port or (place.lines[0][1] if place.lines else place.bus)
        facts: dict[str, str | int | float] = {"metric": sample.metric, "reason": sample.reason}
        facts |= {"of": f"{place.device}.{sample.metric}", "unit": place.unit or 0}
        facts |= _said(sample, units.get(sample.metric, ""))
        yield Finding(_code(place, sample), where, **facts)


def _code(place: Place, sample: Sample) -> str:
    otherwise = "valueless" if sample.value is None else "doubtful"
    code = _BY_REASON.get(sample.reason, otherwise)
    fits = {"unit-no-value": place.unit is not None, "echo-spread": sample.metric == "distance"}
    return code if fits.get(code, True) else otherwise


def _said(sample: Sample, unit: str) -> dict[str, str | int | float]:
    """Return what the device said: in the metric's unit, or its raw number, which only its sheet explains."""
    if sample.value is not None:
        return {"value": sample.value, "in": unit}
    if sample.refused is not None:
        return {"value": sample.refused, "in": unit}
    return {"value": "?"} if sample.raw is None else {"value": sample.raw, "in": RAW}


def changed(looked: Looked, findings: Sequence[Finding]) -> Looked:
    """Return the same look with other findings."""
    return Looked(looked.place, looked.metrics, looked.samples, tuple(findings))


def settings_of(config: DeviceConfig) -> msgspec.Struct:
    """Return a device's checked settings; raise ConfigError."""
    kind = registry.driver(config.driver)
    return settings.convert(config.config, kind.Config, f"device {config.id}: [config] ")
