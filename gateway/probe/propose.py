"""Makes lines for node.toml of what a probe has met: what is sure as it stands, the rest to be filled in."""

from collections.abc import Iterable, Iterator

from gateway.probe.scan import Met
from sensors import registry

HEADER = "[[device]]\n"


def proposals(met: Iterable[Met]) -> Iterator[str]:
    """Yield one piece of TOML for each device that a driver of ours can read; a comment for the others."""
    known = registry.drivers()
    for number, each in enumerate(met, 1):
        made = _made(each, number)
        if made is None:
            continue
        driver, text = made
        yield text if driver in known else "".join(f"# {line}\n" for line in text.splitlines())


def _made(met: Met, number: int) -> tuple[str, str] | None:
    if met.kind == "w1":
        return "ds18b20", _device(f"temperature-{number}", "ds18b20", f'device = "{met.where}"')
    if met.kind == "iio":
        return _chip(met, number)
    if met.kind == "i2c":
        return "", f"I2C {met.where}: {met.what}\n"
    return _unit(met) if met.kind == "modbus" else None


def _chip(met: Met, number: int) -> tuple[str, str]:
    if met.what == "bh1750":
        return "bh1750", _device(f"light-{number}", "bh1750", f'device = "{met.where}"')
    return "", f"{met.where}: {met.what}\n"


def _unit(met: Met) -> tuple[str, str]:
    where = f'port = "{met.where}", unit = {met.unit}, baud = {met.baud}'
    if met.what == "PZEM-004T":
        return "pzem004t", _device(f"power-{met.unit}", "pzem004t", where)
    register = '{ metric = "value", address = 0, unit = "C62" }'
    text = _device(f"probe-{met.unit}", "modbus-probe", f"{where}, registers = [{register}]")
    return "modbus-probe", f"# registers: xem sách của thiết bị / see its manual\n{text}"


def _device(name: str, driver: str, config: str) -> str:
    return f'{HEADER}id = "{name}"\ndriver = "{driver}"\nconfig = {{ {config} }}\n'
