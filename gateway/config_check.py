"""Reads a node.toml and says all that is wrong with it: what keeps its parts from working together."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from gateway.alarms.config import problems as alarm_problems
from gateway.commands.config import problems as light_problems
from gateway.config import AssetConfig, DeviceConfig, Mqtt, NodeConfig, Site, bus_of
from gateway.feed import TYPES, FeedError, Topic
from gateway.feed.tls import PLAIN_MQTT, TLS_MQTT, tls_problems
from gateway.spool.quota import quota_problems
from gateway.wiring import SHARED, marked, shared_lines
from sensors import assets, registry
from sensors import settings as files
from sensors.errors import ConfigError
from sensors.quality import check_problems
from sensors.sample import Metric
from sensors.settings import did_you_mean
from sensors.text import said

SHORTEST_EVERY_S = 1.0  # a ranger needs half a second for one honest reading
LARGEST_KEEPALIVE_S = 65_535  # 16 bits in MQTT
_ID = re.compile(r"[a-z0-9-]{1,64}")


def load(path: Path, environ: Mapping[str, str] | None = None) -> NodeConfig:
    """Read and check a node.toml; raise ConfigError with one line a problem, each naming file, id and key."""
    config = files.load(path, NodeConfig, environ)
    problems = check(config)
    if problems:
        raise ConfigError("\n".join(f"{path}: {problem}" for problem in problems))
    return config


def check(config: NodeConfig) -> list[str]:
    """Return what keeps the parts from working together, one sentence a problem; empty when all is well."""
    wiring = _Wiring()
    return [
        *_site_problems(config.site),
        *_mqtt_problems(config.mqtt),
        *quota_problems(config.spool.max_bytes),
        *_id_problems("device", [device.id for device in config.devices]),
        *_id_problems("asset", [asset.id for asset in config.assets]),
        *(problem for device in config.devices for problem in wiring.add(device)),
        *(problem for asset in config.assets for problem in _asset_problems(asset, config, wiring)),
        *alarm_problems(config.rules, config.limits, config.assets),
        *light_problems(config.lights, config.assets, config.devices, placed=config.site.lat is not None),
    ]


@dataclass(slots=True)
class _Wiring:
    """Who holds which line and port, gathered device by device."""

    metrics: dict[str, list[str]] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    ports: dict[str, tuple[str, tuple[object, ...], str]] = field(default_factory=dict)

    def add(self, device: DeviceConfig) -> Iterator[str]:
        where = f"device {device.id}: "
        try:
            driver = registry.driver(device.driver)
        except ConfigError as error:
            yield f"{where}driver: {error}"
            return
        try:
            settings = files.convert(device.config, driver.Config, f"{where}[config] ")
            metrics = _metrics(driver, settings)
        except ConfigError as error:
            yield from str(error).splitlines()
            return
        self.metrics[device.id] = [metric.key for metric in metrics]
        yield from check_problems(device.id, device.checks, self.metrics[device.id])
        for key, line in marked(settings, "line"):
            mine = said("{key} of device {device}", key=key, device=device.id)
            holder = self.lines.setdefault(line.upper(), mine)
            if holder != mine:
                yield where + said(
                    "[config] {key}: {line} is already the {holder}; give each its own line",
                    key=key,
                    line=line,
                    holder=holder,
                )
        for line in shared_lines(settings):
            holder = self.lines.setdefault(line, SHARED)
            if holder != SHARED:
                yield where + said(
                    "driver: {driver} needs {line}, which is already the {holder}",
                    driver=device.driver,
                    line=line,
                    holder=holder,
                )
        speed = tuple(getattr(settings, name, None) for name in ("baud", "parity", "timeout"))
        bus = bus_of(device, settings)
        for key, port in marked(settings, "port"):
            known_bus, known_speed, other = self.ports.setdefault(port, (bus, speed, device.id))
            if bus != known_bus:
                yield where + said(
                    "bus: {bus!r}, but {port} belongs to bus {known_bus!r} of device {other}",
                    bus=bus,
                    port=port,
                    known_bus=known_bus,
                    other=other,
                )
            if speed != known_speed:
                yield where + said(
                    "[config] {key}: baud, parity or timeout is not that of device {other}",
                    key=key,
                    other=other,
                )


def _metrics(driver: type[registry.Driver], settings: msgspec.Struct) -> tuple[Metric, ...]:
    declared: object = getattr(driver, "metrics", None)
    if isinstance(declared, tuple) and declared:
        return declared
    # Only a driver that was made knows metrics that depend on its config; it touches nothing until opened.
    from sensors.io.pi import PiIO  # noqa: PLC0415 - few drivers need it, and it is slow to import

    return driver(settings, PiIO()).metrics


def _site_problems(site: Site) -> Iterator[str]:
    for topic in (
        (site.province, "00000", "gateway", "gw", "meta"),
        ("00", site.commune, "gateway", "gw", "meta"),
    ):
        try:
            Topic(*topic)
        except FeedError as error:
            yield f"[site] {error}"
    if not _ID.fullmatch(site.gw):
        yield f"[site] gw: {_not_an_id(site.gw)}"
    if (site.lat is None) != (site.lon is None):
        yield said("[site] lat and lon go together: give both or none")


def _not_an_id(name: str) -> str:
    return said("{name!r} is not made of a-z, 0-9 and '-' only (1 to 64 of them)", name=name)


def _mqtt_problems(mqtt: Mqtt) -> Iterator[str]:
    if not 1 <= mqtt.keepalive <= LARGEST_KEEPALIVE_S:
        yield said(
            "[mqtt] keepalive: {keepalive:g} s is not between 1 and {most} s",
            keepalive=mqtt.keepalive,
            most=LARGEST_KEEPALIVE_S,
        )
    if mqtt.password_file is not None and mqtt.username is None:
        yield said("[mqtt] username: it is missing, and MQTT takes no password without one")
    yield from (f"[mqtt] {problem}" for problem in tls_problems(mqtt))
    if mqtt.ca_file is not None and mqtt.port == PLAIN_MQTT:
        yield said(
            "[mqtt] port: {plain} is MQTT without TLS, and there is a ca_file; write {tls}",
            plain=PLAIN_MQTT,
            tls=TLS_MQTT,
        )


def _id_problems(kind: str, ids: list[str]) -> Iterator[str]:
    for number, name in enumerate(ids, 1):
        if not _ID.fullmatch(name):
            yield said("{kind} number {number}: id: ", kind=kind, number=number) + _not_an_id(name)
        if ids.index(name) != number - 1:
            yield f"{kind} {name}: " + said(
                "id: {kind} number {other} has it already; ids are unique",
                kind=kind,
                other=ids.index(name) + 1,
            )


def _asset_problems(asset: AssetConfig, config: NodeConfig, wiring: _Wiring) -> Iterator[str]:
    where = f"asset {asset.id}: "
    if asset.every < SHORTEST_EVERY_S:
        yield where + said(
            'every: {every:g} s is too short; {least:g} or more, such as "5min"',
            every=asset.every,
            least=SHORTEST_EVERY_S,
        )
    if asset.stale_after < asset.every:
        yield where + said(
            "stale_after: {stale_after:g} s is shorter than every ({every:g} s)",
            stale_after=asset.stale_after,
            every=asset.every,
        )
    if (asset.lat is None) != (asset.lon is None):
        yield where + said("lat and lon go together: give both or none")
    try:
        kind = assets.asset_class(asset.type)
    except ConfigError as error:
        yield f"{where}type: {error}"
        return
    try:
        files.convert(asset.config, kind.Config, f"{where}[config] ")
    except ConfigError as error:
        yield from str(error).splitlines()
    known = TYPES[kind.type].units
    if asset.id == config.site.gw and TYPES[kind.type].domain != "gateway":
        yield where + said("id: it is the node's own name ([site] gw), which only a Device may have")
    for name, limit in asset.limits.items():
        if name not in known:
            yield where + said(
                "[limits] {name}: no such field in {type}{hint}",
                name=name,
                type=kind.type,
                hint=did_you_mean(name, known),
            )
        if len(limit) != 2 or not limit[0] < limit[1]:
            yield where + said("[limits] {name}: {limit} is not [low, high]", name=name, limit=limit)
    yield from _input_problems(asset, kind, config, wiring)


def _input_problems(
    asset: AssetConfig, kind: type[assets.Asset], config: NodeConfig, wiring: _Wiring
) -> Iterator[str]:
    where = f"asset {asset.id}: [inputs] "
    devices = [device.id for device in config.devices]
    for name in kind.needs:
        if name not in asset.inputs:
            yield where + said(
                "{name} is missing, and {type} says nothing without it", name=name, type=asset.type
            )
    if not asset.inputs and not kind.needs and TYPES[kind.type].domain != "gateway":
        yield where + said("none is given; {type} has {known}", type=asset.type, known=", ".join(kind.inputs))
    for name, source in asset.inputs.items():
        device, dot, metric = source.partition(".")
        if name not in kind.inputs:
            yield where + said(
                "unknown input {name!r}{hint}", name=name, hint=did_you_mean(name, kind.inputs)
            )
        if not dot or not metric:
            yield where + said('{name}: {source!r} is not "device.metric"', name=name, source=source)
        elif device not in devices:
            yield where + said(
                "{name}: there is no device {device!r}{hint}",
                name=name,
                device=device,
                hint=did_you_mean(device, devices),
            )
        elif device in wiring.metrics and metric not in wiring.metrics[device]:
            has = wiring.metrics[device]
            hint = did_you_mean(metric, has) or said("; it has {known}", known=", ".join(has))
            yield where + said(
                "{name}: device {device!r} does not measure {metric!r}{hint}",
                name=name,
                device=device,
                metric=metric,
                hint=hint,
            )
