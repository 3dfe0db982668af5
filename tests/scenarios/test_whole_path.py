"""Because what the world did must be what the readings and the events say, through every part of the path."""

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import fmean

import pytest
from msgspec.structs import replace

from edge_api.config import Upstream
from gateway.feed.kinds import ONCE
from gateway.node import Node
from sensors.settings import Seconds
from simulators.scenario import Breaking, Scenario, read
from simulators.stations import Stations, stations
from tests.edge_api.edge_rig import COMMUNE, edge_at_work, edge_config
from tests.parts.influxd import InfluxDB
from tests.parts.mosquitto import Mosquitto
from tests.parts.wait import until
from tests.scenarios.judge import Levels, Verdict, broken, event_spans, judge, report, told

# in the field's unit: half of what the sensor tells apart, the waste's roughness, a value's age; for the
# flow, a moment beside the mean of a quarter of an hour
MEAN_ERROR = {
    "fillingLevel": 0.04,
    "weight": 0.001,
    "pH": 0.01,
    "turbidity": 0.01,
    "freeChlorine": 0.002,
    "waterFlow": 2.5,
    "waterConsumption": 0.05,
    "voltageR": 0.1,
    "intensityR": 0.01,
    "totalActivePower": 0.001,
    "energyConsumed": 0.002,
}
TYPES = (
    "WasteContainer",
    "WasteObserved",
    "WaterQualityObserved",
    "WaterDistributionNetwork",
    "WaterConsumptionObserved",
)
LIGHTS = "StreetlightControlCabinet"
CLEAR = {"limit-turbidity", "dayBurner", "doorOpen", "fire", "gap", "power", "sensorFault"}
"""Kinds whose values are far from the limit: no event of them may be false, no long condition missed."""
BINS = {"binFull", "binOverflow"}
"""Kinds near whose limit the sensor's own error says nothing; what it says is said once."""


class Truths:
    """Makes nodes that note, with each reading, what was true at its moment."""

    def __init__(self):
        self.of = {}

    def make(self, config, sim):
        truths = self.of

        class Watched(Node):
            def _take(self, reading):
                true_ns = sim.io.clock.true_ns() - sim.io.clock.monotonic_ns() + reading.mono_ns
                truths[reading.asset.id, true_ns // 1_000_000] = sim.truth(reading.asset.id)
                super()._take(reading)

        return Watched(config, sim.io)


@contextmanager
def whole_path(
    scenario: Scenario, mosquitto: Mosquitto, influxdb: InfluxDB, folder, truths: Truths
) -> Iterator[Stations]:
    upstream = Upstream(name="influx", url=f"http://{influxdb.address}", api="v1", bucket=influxdb.database)
    with edge_at_work(edge_config(folder, COMMUNE, mosquitto.port, [upstream])) as (edge, _):
        it = stations(scenario, folder, ("127.0.0.1", mosquitto.port), truths.make)
        try:
            while it.step():
                pass
            until(lambda: it.drained and all(each.drained for each in edge.relays), within_s=240)
            yield it
        finally:
            it.stop()


def errors(influxdb: InfluxDB, truths: Truths, scenario: Scenario) -> dict[str, list[float]]:
    """Every good value of whole devices less what was true at its moment, by field."""
    start_s, every_s = scenario.start.timestamp(), float(scenario.every)
    spans = [(float(it.at), float(it.at) + float(it.for_ or 0) + every_s) for it in scenario.faults]
    # A pulse that was not counted is missing ever after, and a node without power begins anew.
    counts = [it for it in scenario.faults if it.kind == "brown-out" or it.on == "meter"]
    uncounted_s = min((float(it.at) for it in counts), default=1e9)
    found: dict[str, list[float]] = {field: [] for field in MEAN_ERROR}
    for measurement in (*TYPES, LIGHTS):
        for row in influxdb.query(f'SELECT * FROM "{measurement}"'):
            truth = truths.of[row["asset"], row["time"] // 1_000_000]
            at_s = row["time"] / 1e9 - start_s
            if any(first <= at_s <= last for first, last in spans):
                continue
            for field in set(truth) & set(MEAN_ERROR):
                if field == "waterConsumption" and at_s > uncounted_s:
                    continue
                if row.get(field) is not None and row["q"] == "good":
                    found[field].append(row[field] - truth[field])
    return found


def play(scenario, mosquitto, influxdb, folder) -> tuple[dict[str, Verdict], Stations]:
    truths = Truths()
    with whole_path(scenario, mosquitto, influxdb, folder, truths) as it:
        arrived = sum(influxdb.count(each, "seq") for each in (*TYPES, LIGHTS, "Device", "Alert"))
        assert arrived == sum(each.node.journal.taken for each in it.stations)
        assert len(truths.of) == arrived - influxdb.count("Alert", "seq")
        seen = errors(influxdb, truths, scenario)
        means = {field: fmean(map(abs, each)) for field, each in seen.items() if each}
        events = event_spans(influxdb.query('SELECT * FROM "Alert"'))
        levels = {at: truth["fillingLevel"] for at, truth in truths.of.items() if "fillingLevel" in truth}
        faults = broken(scenario)
        every_s = float(scenario.every)
        verdicts = judge(
            [*it.village.chronicle.spans(), *told(scenario, it.left_out)],
            events,
            shortest_s=1800 + 4 * every_s,
            slack_s=1800 + 2 * every_s,
            faults=faults,
            levels=Levels(levels),
        )
        print(f"\n{scenario.name}: {arrived} points; left out: {', '.join(it.left_out) or 'nothing'}")
        print("mean errors: " + ", ".join(f"{field} {mean:.4f}" for field, mean in means.items()))
        print(f"\n{report(verdicts, events)}\n")
        assert {field: mean for field, mean in means.items() if mean > MEAN_ERROR[field]} == {}
        return verdicts, it


@pytest.mark.slow
def test_every_fault_of_a_shipped_scenario_but_the_known_few_can_be_had_on_wires(tmp_path):
    """A pulse, a loop and a light have no checksum, and a wheel that turns wrongly still gives pulses."""
    cannot = {"crc of echo-0001", "crc of level", "crc of pressure", "crc of lux", "cut of pi"}
    cannot |= {f"{kind} of meter" for kind in ("drift", "noise", "spike", "gain", "crc")}
    for name in ("all-faults", "thirty-days"):
        scenario = read(name)
        (tmp_path / name).mkdir()
        it = stations(scenario, tmp_path / name, ("127.0.0.1", 1))
        it.stop()
        assert set(it.left_out) <= cannot, name


def test_a_node_that_loses_its_power_in_the_middle_of_a_reading_has_all_its_lines_when_it_is_back(tmp_path):
    cut = Breaking(kind="brown-out", at=Seconds(3600.02), on="gw-01", for_=Seconds(1800))
    quiet = replace(read("quiet-day"), duration=Seconds(3 * 3600), bins=2, water=False, lights=False)
    it = stations(replace(quiet, faults=[cut]), tmp_path, ("127.0.0.1", 1))
    try:
        while it.step():
            pass
        assert it.stations[0].node is not None
        assert it.stations[0].node.runner.faults() == {}
        until(lambda: it.stations[0].node.journal.taken >= 60, within_s=60)
    finally:
        it.stop()


@pytest.mark.parts
@pytest.mark.timeout(600)  # half a minute of work, which a busy machine makes many
def test_two_days_with_a_storm_are_what_readings_and_events_say(mosquitto, influxdb, tmp_path):
    scenario = replace(read("storm-and-burst"), every=Seconds(900), bins=6, duration=Seconds(2 * 86_400))
    verdicts, _ = play(scenario, mosquitto, influxdb, tmp_path)
    for kind in CLEAR & set(verdicts):
        assert (verdicts[kind].false, verdicts[kind].missed) == ([], []), kind
    assert verdicts["limit-turbidity"].once == 1
    assert verdicts["doorOpen"].once == 1


@pytest.mark.lab
@pytest.mark.timeout(1200)
def test_no_fault_of_any_device_raises_what_is_not_so_of_another(mosquitto, influxdb, tmp_path):
    verdicts, _ = play(read("all-faults"), mosquitto, influxdb, tmp_path)
    assert {kind: it.false for kind, it in verdicts.items() if it.false} == {}
    assert {kind: it.missed for kind, it in verdicts.items() if it.missed} == {}


@pytest.mark.lab
@pytest.mark.timeout(1800)
def test_thirty_days_of_twenty_bins_are_what_readings_and_events_say(mosquitto, influxdb, tmp_path):
    verdicts, it = play(read("thirty-days"), mosquitto, influxdb, tmp_path)
    assert {kind: it.false for kind, it in verdicts.items() if it.false} == {}
    for kind in CLEAR | BINS:
        assert verdicts[kind].missed == [], kind
        assert verdicts[kind].once == verdicts[kind].seen, kind
        assert kind in ONCE or verdicts[kind].cleared == verdicts[kind].over, kind
    assert it.village.population == 1155
