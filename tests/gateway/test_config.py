"""Tests of the node's configuration: what is accepted, and what a technician is told when it cannot work."""

from pathlib import Path

import msgspec
import pytest

from gateway.config import Mqtt, NodeConfig, bus_of
from gateway.config_check import check, load
from sensors import settings
from sensors.errors import ConfigError
from sensors.io import Line, Port
from sensors.settings import Settings

GOOD = """
[site]
province = "42"
commune = "18562"
gw = "gw-01"
name = "Xã Thạch Hà"
lat = 18.34
lon = 105.9

[mqtt]
host = "edge.local"
keepalive = "1min"

[[device]]
id = "ranger-7"
driver = "hcsr04"
[device.config]
trigger = "GPIO23"
echo = "GPIO24"

[[device]]
id = "lid-7"
driver = "contact"
[device.config]
line = "GPIO17"

[[device]]
id = "probe"
driver = "modbus-probe"
[device.config]
port = "/dev/ttyUSB0"
unit = 7
[[device.config.registers]]
metric = "pH"
address = 0
unit = "Q30"

[[asset]]
id = "bin-0007"
type = "WasteContainer"
name = "Chợ Thạch Hà, cổng đông"
every = "5min"
lat = 18.35
lon = 105.88
[asset.config]
empty_m = 1.05
full_m = 0.1
[asset.inputs]
distance = "ranger-7.distance"
[asset.limits]
fillingLevel = [0, 0.9]

[[asset]]
id = "works"
type = "WaterQualityObserved"
every = 30
stale_after = "10min"
[asset.inputs]
pH = "probe.pH"
"""

RANGER = '[[device]]\nid = "{}"\ndriver = "hcsr04"\n[device.config]\ntrigger = "{}"\necho = "{}"\n'
METER = '[[device]]\nid = "{}"\ndriver = "pzem004t"\n{}\n[device.config]\nport = "/dev/ttyUSB0"\nunit = {}\n'
SITE = '[site]\nprovince = "42"\ncommune = "18562"\ngw = "gw-01"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "node.toml"


def read(file: Path, text: str, environ: dict[str, str] | None = None) -> NodeConfig:
    file.write_text(text, encoding="utf-8")
    return load(file, environ or {})


def problems(file: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(file, text)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{file}: ") for line in lines), "each line names the file"
    return [line.removeprefix(f"{file}: ") for line in lines]


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_a_good_file_is_read_as_it_stands(file):
    config = read(file, GOOD)
    assert (config.site.province, config.site.commune, config.site.gw) == ("42", "18562", "gw-01")
    assert (config.mqtt.host, config.mqtt.port, config.mqtt.keepalive) == ("edge.local", 1883, 60)
    assert [device.id for device in config.devices] == ["ranger-7", "lid-7", "probe"]
    bin_, works = config.assets
    assert (bin_.every, bin_.limits) == (300, {"fillingLevel": [0, 0.9]})
    assert works.inputs == {"pH": "probe.pH"}


def test_what_is_left_out_has_its_default(file):
    config = read(file, SITE)
    assert (config.mqtt.host, config.mqtt.custody, config.mqtt.keepalive) == ("localhost", "edge", 30)
    assert (config.spool.path, config.spool.linger) == (Path("/var/lib/commune/node.db"), 1.5)
    assert config.clock.require_sync
    assert config.mqtt.password() is None


def test_a_reading_is_stale_after_three_intervals_unless_the_file_says_otherwise(file):
    bin_, works = read(file, GOOD).assets
    assert bin_.stale_after == 900
    assert works.stale_after == 600


def test_the_environment_overrides_the_file_and_is_checked_like_it(file):
    assert read(file, GOOD, {"COMMUNE_SITE_COMMUNE": "18568"}).site.commune == "18568"
    with pytest.raises(ConfigError, match="commune '185' is not a 5-digit unit code"):
        read(file, GOOD, {"COMMUNE_SITE_COMMUNE": "185"})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('province = "42"', 'province = "4"', "[site] province '4' is not a 2-digit unit code such as 42"),
        ('province = "42"', "province = 42", "[site] province: Expected text in quotes, got a whole number"),
        ('"18562"', '"Thạch Hà"', "[site] commune 'Thạch Hà' is not a 5-digit unit code such as 18562"),
        ('gw = "gw-01"', 'gw = "GW 1"', "[site] gw: 'GW 1' is not made of a-z"),
        ("lon = 105.9\n", "", "[site] lat and lon go together"),
        ('"1min"', '"0s"', "[mqtt] keepalive: 0 s is not between 1 and 65535 s"),
        ('host = "edge.local"', 'password_file = "x"', "[mqtt] username: it is missing"),
        ('"lid-7"', '"Lid 7"', "device number 2: id: 'Lid 7' is not made of a-z"),
        ('"lid-7"', '"ranger-7"', "device ranger-7: id: device number 1 has it already"),
        ('"works"', '"bin-0007"', "asset bin-0007: id: asset number 1 has it already"),
        ('"works"', '"gw-01"', "asset gw-01: id: it is the node's own name"),
        ('"hcsr04"', '"hcsr4"', "device ranger-7: driver: unknown driver 'hcsr4'; installed are: "),
        ("trigger =", "triger =", "device ranger-7: [config] unknown key 'triger'; did you mean 'trigger'?"),
        ('"GPIO23"', '"GPIO99"', "device ranger-7: [config] trigger: 'GPIO99' is not written as ^GPIO"),
        ("unit = 7", "unit = 300", "device probe: [config] unit: Expected a whole number <= 247"),
        ('unit = "Q30"', "", "device probe: [config] registers 1: the key 'unit' is missing"),
        (
            '"GPIO17"',
            '"GPIO23"',
            "device lid-7: [config] line: GPIO23 is already the trigger of device ranger-7",
        ),
        (
            '"GPIO24"',
            '"GPIO23"',
            "device ranger-7: [config] echo: GPIO23 is already the trigger of device ranger-7",
        ),
        ('"WasteContainer"', '"Bin"', "asset bin-0007: type: unknown asset type 'Bin'; known are: Device, "),
        (
            "full_m = 0.1",
            "full_m = 2",
            "asset bin-0007: [config] full_m (2.0) must be less than empty_m (1.05)",
        ),
        ('every = "5min"', "", "asset bin-0007: the key 'every' is missing"),
        ('every = "5min"', "every = 0", "asset bin-0007: every: 0 s is too short; 1 or more"),
        ("every = 30", 'every = "1h"', "asset works: stale_after: 600 s is shorter than every (3600 s)"),
        ("lat = 18.35\n", "", "asset bin-0007: lat and lon go together"),
        ("lat = 18.35", "lat = 98.35", "asset bin-0007: lat: Expected a number <= 90"),
        (
            "distance =",
            "distanc =",
            "asset bin-0007: [inputs] unknown input 'distanc'; did you mean 'distance'?",
        ),
        ("distance =", "lid =", "asset bin-0007: [inputs] distance is missing"),
        ('pH = "probe.pH"', "", "asset works: [inputs] none is given; WaterQualityObserved has pH, "),
        (
            "ranger-7.dist",
            "ranger7.dist",
            "asset bin-0007: [inputs] distance: there is no device 'ranger7'; did",
        ),
        ("7.distance", "7.distnce", "device 'ranger-7' does not measure 'distnce'; did you mean 'distance'?"),
        ('"probe.pH"', '"probe.turbidity"', "device 'probe' does not measure 'turbidity'; it has pH"),
        ('"probe.pH"', '"probe"', "asset works: [inputs] pH: 'probe' is not \"device.metric\""),
        ("[0, 0.9]", "[0.9]", "asset bin-0007: [limits] fillingLevel: [0.9] is not [low, high]"),
        (
            "fillingLevel",
            "filling",
            "[limits] filling: no such field in WasteContainer; did you mean 'fillingLevel'",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_would_be_right(file, old, new, said):
    assert any(said in line for line in problems(file, changed(old, new)))


@pytest.mark.parametrize("spi_first", [True, False])
def test_the_lines_of_the_spi_bus_are_taken_once_a_converter_hangs_on_it(file, spi_first):
    site = '[site]\nprovince = "42"\ncommune = "18562"\ngw = "gw-01"\n'
    spi = [
        f'[[device]]\nid = "p{n}"\ndriver = "mcp3008"\n'
        f'config = {{ channel = {n}, metric = "pressure", unit = "KPA", low = 0.0, high = 10.0 }}\n'
        for n in range(2)
    ]
    lid = '[[device]]\nid = "lid"\ndriver = "contact"\nconfig = { line = "GPIO9" }\n'
    tables = [*spi, lid] if spi_first else [lid, *spi]
    said = problems(file, site + "".join(tables))
    assert said
    assert all("GPIO9" in line and "already the" in line for line in said)
    assert len(read(file, site + "".join(spi)).devices) == 2


def test_all_mistakes_are_said_at_once(file):
    text = changed('"18562"', '"185"').replace("[0, 0.9]", "[1, 0]").replace('"GPIO17"', '"GPIO24"')
    text = text.replace('"probe.pH"', '"prob.pH"')
    assert problems(file, text) == [
        "[site] commune '185' is not a 5-digit unit code such as 18562",
        "device lid-7: [config] line: GPIO24 is already the echo of device ranger-7; give each its own line",
        "asset bin-0007: [limits] fillingLevel: [1.0, 0.0] is not [low, high]",
        "asset works: [inputs] pH: there is no device 'prob'; did you mean 'probe'?",
    ]


def test_a_line_that_is_not_toml_is_named_by_its_number(file):
    (line,) = problems(file, SITE + "[mqtt\n")
    assert "line 5" in line


def test_two_meters_share_a_port_when_they_agree_about_it(file):
    config = read(file, SITE + METER.format("a", "", 1) + METER.format("b", "", 2))
    assert len(config.devices) == 2


def test_two_meters_that_disagree_about_a_port_are_told(file):
    text = SITE + METER.format("a", "", 1) + METER.format("b", 'bus = "other"', 2) + "baud = 4800\n"
    assert problems(file, text) == [
        "device b: bus: 'other', but /dev/ttyUSB0 belongs to bus '/dev/ttyUSB0' of device a",
        "device b: [config] port: baud, parity or timeout is not that of device a",
    ]


def test_a_device_whose_driver_is_unknown_does_not_hide_what_is_wrong_elsewhere(file):
    text = changed('"hcsr04"', '"sonar"').replace("every = 30", "every = 0.1")
    said = problems(file, text)
    assert len(said) == 2
    assert "every" in said[1]


def test_the_node_itself_may_be_an_asset_under_its_own_name_without_inputs(file):
    assert read(file, SITE + '[[asset]]\nid = "gw-01"\ntype = "Device"\nevery = "1min"\n').assets


def test_the_bus_of_a_device_is_its_port_gpio_or_sysfs_unless_it_is_named(file):
    class Pins(Settings, frozen=True):
        lines: list[Line]

    class Wired(Settings, frozen=True):
        port: Port | None = None
        pins: Pins | None = None

    device = read(file, GOOD).devices[0]
    named = msgspec.structs.replace(device, bus="mine")
    assert bus_of(device, Wired()) == "sysfs"
    assert bus_of(device, settings.convert({"pins": {"lines": ["GPIO4"]}}, Wired)) == "gpio"
    assert bus_of(device, Wired(port="/dev/ttyUSB0")) == "/dev/ttyUSB0"
    assert bus_of(named, Wired(port="/dev/ttyUSB0")) == "mine"


def test_the_password_is_the_files_text_without_the_end_of_its_line(tmp_path):
    (tmp_path / "secret").write_text("tôm hùm \n", encoding="utf-8")
    (tmp_path / "secret").chmod(0o640)
    assert Mqtt(username="node", password_file=tmp_path / "secret").password() == "tôm hùm "


def test_a_password_file_that_is_not_there_is_an_error_that_names_the_key(tmp_path):
    with pytest.raises(ConfigError, match=r"\[mqtt\] password_file: .*gone cannot be read"):
        Mqtt(username="node", password_file=tmp_path / "gone").password()


def test_a_configuration_made_by_a_program_is_checked_by_the_same_rules(file):
    config = read(file, GOOD)
    assert check(config) == []
    twice = msgspec.structs.replace(config, assets=[*config.assets, config.assets[0]])
    assert check(twice) == ["asset bin-0007: id: asset number 1 has it already; ids are unique"]
