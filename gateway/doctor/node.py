"""A node's part of the examination: its file, its service, its buses, its way to the broker."""

import grp
import time
from collections.abc import Iterator
from pathlib import Path

from gateway.config import NodeConfig
from gateway.config_check import load
from gateway.doctor import machine, services
from gateway.doctor.symptom import Area, Symptom, of
from gateway.feed.link import Link, Settings
from gateway.feed.tls import contexts
from gateway.wiring import marked
from sensors import registry
from sensors import settings as files
from sensors.errors import ConfigError
from sensors.io.clock import PiClock

FILE = Path("/etc/commune/node.toml")
UNIT = "commune-node.service"
_LOGIN_S = 12.0


def _(text: str) -> str:
    return text


def examine(file: Path, token: str = "") -> Iterator[Area]:  # noqa: ARG001 - as every room's examination
    """Look at the node whose configuration is in `file`; raise ConfigError when that is wrong."""
    config = load(file)
    yield Area(_("Service of the node"), list(services.service(UNIT)))
    user, groups = services.user_of(UNIT)
    yield Area(_("Disk of the node"), list(machine.disk(config.spool.path, config.spool.min_free, user)))
    yield Area(_("Clock"), list(machine.clock()))
    yield Area(_("Pins and buses"), list(_buses(config, user, groups)))
    yield Area(_("Way to the broker"), list(_broker(config)))
    kept = [("[mqtt] ca_file", config.mqtt.ca_file), ("[mqtt] cert_file", config.mqtt.cert_file)]
    yield Area(_("Certificates of the node"), list(machine.certificates(kept, time.time_ns())))


def _buses(config: NodeConfig, user: str, groups: list[str], dev: Path = Path("/dev")) -> Iterator[Symptom]:
    needed: dict[Path, str] = {}
    for device in config.devices:
        settings = files.convert(
            device.config, registry.driver(device.driver).Config, f"device {device.id}: "
        )
        for _key, port in marked(settings, "port"):
            needed.setdefault(Path(port), device.id)
        if any(marked(settings, "line")):
            chips = sorted(dev.glob("gpiochip*"))
            needed.setdefault(chips[0] if chips else dev / "gpiochip0", device.id)
    for path, what in needed.items():
        if not path.exists():
            yield of("bus-missing", str(path), what=what)
            continue
        try:
            if not machine.allowed(path, user, groups):
                yield of("bus-closed", str(path), user=user, group=_group(path))
        except KeyError:
            yield of("user-missing", user=user)
            return


def _group(path: Path) -> str:
    try:
        return grp.getgrgid(path.stat().st_gid).gr_name
    except KeyError:
        return str(path.stat().st_gid)


def _broker(config: NodeConfig) -> Iterator[Symptom]:
    """Ask the running node; log in only while none runs: a second login would throw the first one out."""
    where = f"{config.mqtt.host}:{config.mqtt.port}"
    state = services.broker_state(UNIT)
    if not state:
        if services.taken_back(config.mqtt.password_file):
            return  # without its password nobody can log in; that the service does not run has been said
        try:
            state = _login(config)
        except ConfigError as error:
            yield of("secret-wrong", detail=str(error))
            return
    if state != "open":
        yield of("broker-away", where, detail=state)


def _login(config: NodeConfig) -> str:
    """Connect once as the node would; return "open", or why not."""
    mqtt, site = config.mqtt, config.site
    settings = Settings(
        host=mqtt.host,
        port=mqtt.port,
        client_id=f"node-{site.commune}-{site.gw}-doctor",
        username=mqtt.username,
        password=mqtt.password(),
        tls=contexts(mqtt),
    )
    link = Link(
        settings,
        on_up=_nothing,
        on_down=_nothing,
        on_message=_nothing,
        on_puback=lambda _number, _error: None,
    )
    link.start()
    end = time.monotonic() + _LOGIN_S
    wait = PiClock().sleep
    while not link.up and link.state == "starting" and time.monotonic() < end:
        wait(0.05)
    state = "open" if link.up else link.state
    link.stop()
    return "no answer" if state == "starting" else state


def _nothing(_: object) -> None:
    """Do nothing: only whether the broker takes us is of interest."""
