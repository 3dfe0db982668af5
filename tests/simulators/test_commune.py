"""Because whoever wires a node to a simulated commune must get readings that agree with its truth."""

import tomllib
from statistics import fmean

import pytest

from sensors.assets import asset_class
from sensors.drivers.hcsr04 import speed_of_sound
from sensors.quality import Pipeline, rules_for
from sensors.registry import driver
from sensors.sample import Quality
from sensors.settings import convert
from simulators.clock import PacedClock, VirtualClock
from simulators.commune import build
from simulators.worlds.village import Sizes, Village

# half of what each sensor can tell apart, and a little; the files in sysfs are up to a minute old
SMOOTH = {
    "pH": 0.006,
    "turbidity": 0.005,
    "freeChlorine": 0.0006,
    "temperature": 0.06,
    "voltageR": 0.06,
    "intensityR": 0.0006,
    "totalActivePower": 0.00006,
    "energyConsumed": 0.0006,
    "cosPhi": 0.006,
    "cpuTemperature": 0.02,
    "waterLevel": 0.02,  # what the tank gains in a minute
    "waterPressure": 8.0,  # what a minute's draw takes
}


class Node:
    """The smallest thing that reads a commune by its own node.toml."""

    def __init__(self, commune):
        self.commune = commune
        table = tomllib.loads(commune.config_toml())
        self.devices = {}
        for each in table["device"]:
            kind = driver(each["driver"])
            self.devices[each["id"]] = kind(convert(each["config"], kind.Config), commune.io)
            self.devices[each["id"]].open()
        self.assets = {}
        for each in table["asset"]:
            kind = asset_class(each["type"])
            self.assets[each["id"]] = (each, kind(convert(each.get("config", {}), kind.Config)))

    def read(self, *only):
        wanted = {name: pair for name, pair in self.assets.items() if not only or name in only}
        used = {path.split(".")[0] for table, _ in wanted.values() for path in table["inputs"].values()}
        samples = {
            f"{name}.{sample.metric}": sample
            for name in self.devices
            if name in used
            for sample in self.devices[name].read()
        }
        return {
            name: asset.combine({key: samples[path] for key, path in table["inputs"].items()})
            for name, (table, asset) in wanted.items()
        }

    def close(self):
        for device in self.devices.values():
            device.close()
        self.commune.close()


@pytest.fixture
def node(tmp_path):
    lent = Node(build(3, VirtualClock(), bins=6, sysfs=tmp_path))
    yield lent
    lent.close()


@pytest.mark.slow
def test_all_readings_agree_with_the_world_within_their_sensors_resolution(node):
    clock = node.commune.io.clock
    for _ in range(6):
        clock.sleep(2 * 3600 - 5)
        for name, seen in node.read().items():
            truth = node.commune.truth(name)
            for field in set(truth) & set(SMOOTH):
                assert seen.fields[field] == pytest.approx(truth[field], abs=SMOOTH[field]), field
            for field in ("powerState", "doorOpen"):
                if field in truth:
                    assert seen.fields[field] == truth[field]


@pytest.mark.slow
def test_levels_err_by_the_roughness_of_the_waste_and_the_airs_temperature_only(tmp_path):
    node = Node(build(3, VirtualClock(), bins=6, sysfs=tmp_path, domains=("waste",)))
    bins = {site.asset: site.bin for site in node.commune.bins}
    errors = []
    for _ in range(24):
        node.commune.io.clock.sleep(2 * 3600)
        errors += [
            seen.fields["fillingLevel"] - bins[name].level
            for name, seen in node.read(*bins).items()
            if seen.quality is Quality.GOOD
        ]
    node.close()
    assert len(errors) > 120
    assert abs(fmean(errors)) < 0.02
    assert max(map(abs, errors)) < 0.15


def test_still_water_is_not_taken_for_a_probe_that_is_stuck_and_a_stuck_one_is_found(tmp_path):
    """Without weather the turbidity is one number for ever, and was doubted after a day."""
    clock = VirtualClock()
    calm = Village(clock, "3", Sizes((), weather=False))
    node = Node(build(3, clock, bins=0, sysfs=tmp_path, domains=("water",), village=calm))
    probe, truth = node.devices["turbidity"], node.commune.water
    judge = Pipeline(rules_for("turbidity"))

    def read():
        clock.sleep(3600)
        return judge.judge(probe.read()[0], clock.monotonic_ns())

    calm_day = [read() for _ in range(30)]
    assert {sample.quality for sample in calm_day} == {Quality.GOOD}
    assert all(sample.value == pytest.approx(truth.turbidity, abs=0.005) for sample in calm_day)
    node.commune.probe_faults["turbidity"].inject("stuck")
    broken = [read() for _ in range(30)]
    assert not any(sample.reason for sample in broken[:20])
    assert broken[-1].reason == "stuck"
    node.close()


def test_a_distance_errs_by_the_air_that_differs_from_the_configured_28_degrees(node):
    site = node.commune.bins[0]
    echo = node.devices[f"echo-{site.asset.removeprefix('bin-')}"]
    (sample,) = echo.read()
    true_m = fmean(site.bin.distance_m() for _ in range(100))
    factor = speed_of_sound(28.0) / speed_of_sound(node.commune.sky.air_c())
    assert sample.value == pytest.approx(true_m * factor, abs=0.003)


def test_flow_and_volume_follow_the_meter_pulse_by_pulse(node):
    clock, water = node.commune.io.clock, node.commune.water
    assets = ("network-01", "meter-01")
    node.read(*assets)
    volumes, flows = [], []
    for _ in range(30):
        clock.sleep(60)
        seen = node.read(*assets)
        volumes.append(seen["meter-01"].fields["waterConsumption"] - water.volume_m3)
        flows.append((seen["network-01"].fields["waterFlow"], water.flow_m3_h))
    assert max(map(abs, volumes)) <= 0.0101  # one pulse of 10 L
    assert node.commune.meter.sent == pytest.approx(water.volume_m3 * 100, abs=1)
    assert fmean(a for a, _ in flows) == pytest.approx(fmean(b for _, b in flows), rel=0.05)


def test_the_light_is_read_through_the_dome(node):
    clock = node.commune.io.clock
    clock.sleep(60)
    assert node.read("cabinet-01")["cabinet-01"].fields["illuminance"] == pytest.approx(
        node.commune.sky.lux(), rel=0.01
    )


def test_an_opened_lid_and_an_opened_door_are_seen(node):
    site = node.commune.bins[0]
    site.bin.deposit(1.0)
    node.commune.set_door(is_open=True)
    (active,) = node.devices["lid-0001"].read()
    assert active.value is True
    assert node.devices["door"].read()[0].value is True
    node.commune.io.clock.sleep(60)
    assert node.devices["lid-0001"].read()[0].value is False


@pytest.mark.slow
def test_two_runs_of_one_seed_read_the_same_and_another_seed_differs(tmp_path):
    def run(seed, folder):
        lent = Node(
            build(seed, VirtualClock(), bins=3, sysfs=tmp_path / folder, domains=("waste", "lighting"))
        )
        try:
            lent.commune.io.clock.sleep(7200)
            seen = lent.read()
            del seen["gw-01"].fields["diskFree"]
            return seen
        finally:
            lent.close()

    first = run(1, "a")
    assert run(1, "b") == first
    assert run(2, "c") != first


def test_several_nodes_have_names_of_their_own(tmp_path):
    clock = VirtualClock()
    communes = [build(1, clock, node=each, sysfs=tmp_path / str(each)) for each in (1, 2)]
    names = [asset["id"] for each in communes for asset in tomllib.loads(each.config_toml())["asset"]]
    for each in communes:
        each.close()
    assert len(set(names)) == len(names)
    assert {"bin-0001", "bin-0011", "gw-01", "gw-02", "cabinet-02"} <= set(names)


@pytest.mark.parametrize("bins", [0, 1, 6, 7, 10])
def test_no_line_is_used_twice_however_many_bins(bins):
    commune = build(1, VirtualClock(), bins=bins)
    table = tomllib.loads(commune.config_toml())
    commune.close()
    lines = [
        value
        for device in table["device"]
        for value in device["config"].values()
        if str(value).startswith("GPIO")
    ]
    assert len(set(lines)) == len(lines)
    assert sum(device["driver"] == "hcsr04" for device in table["device"]) == bins
    assert all("lid" in asset["inputs"] for asset in table["asset"] if asset["type"] == "WasteContainer") == (
        bins <= 6
    )


def test_more_bins_than_lines_are_refused_with_the_way_out():
    with pytest.raises(ValueError, match="at most 10; build more nodes"):
        build(1, VirtualClock(), bins=11)


def test_a_commune_without_a_domain_has_none_of_its_devices():
    commune = build(1, VirtualClock(), domains=("waste",), bins=1)
    table = tomllib.loads(commune.config_toml())
    with pytest.raises(ValueError, match="no lamp cabinet"):
        commune.set_door(is_open=True)
    commune.close()
    assert {device["driver"] for device in table["device"]} == {
        "hcsr04",
        "ds18b20",
        "contact",
        "modbus-probe",  # the weighbridge's
        "pi-health",
    }


def test_echoes_are_as_exact_on_a_clock_that_runs_by_itself():
    clock = PacedClock(speed=300)
    lent = Node(build(3, clock, bins=2, domains=("waste",)))
    try:
        samples = [lent.devices[name].read()[0] for name in ("echo-0001", "echo-0002") for _ in range(5)]
    finally:
        lent.close()
        clock.close()
    assert {sample.quality for sample in samples} == {Quality.GOOD}
    assert max(abs(sample.value - 1.0) for sample in samples) < 0.05
