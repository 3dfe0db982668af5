"""Because a scenario is a promise: one seed gives the same bytes, and a wrong file says what is wrong."""

import json
import re

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from gateway.feed import Topic, decode_reading
from sensors.errors import ConfigError
from sensors.settings import Seconds
from simulators.cli import sim
from simulators.play import prepare
from simulators.scenario import read, shipped
from tests.edge_api.edge_rig import PROVINCE, edge_at_work, edge_config

HEAD = 'name = "x"\nstart = 2026-09-21T00:00:00+07:00\nduration = "1d"\n'
HOUR_NS = 3600 * 10**9


def play(scenario, folder, *arguments):
    readings, truth = folder / "readings", folder / "truth"
    files = ["--readings", str(readings), "--truth", str(truth)]
    result = CliRunner().invoke(sim, ["commune", scenario, "--json", *files, *arguments])
    assert result.exit_code == 0, result.output
    return json.loads(result.output), readings.read_bytes(), truth.read_bytes()


def seen_of(scenario, asset):
    """Every observation of one asset: hours after the start, and what was seen."""
    found = []
    it = prepare(scenario)
    it.take = lambda each, ts_ns, seen: found.append((ts_ns, seen)) if each.name == asset else None
    begin_ns = it.clock.true_ns()
    while it.step():
        pass
    return [((ts_ns - begin_ns) / HOUR_NS, seen) for ts_ns, seen in found]


def scenario_of(tmp_path, text):
    file = tmp_path / "x.toml"
    file.write_text(HEAD + text, encoding="utf-8")
    return read(file)


def test_two_plays_of_one_scenario_are_the_same_bytes_and_another_seed_differs(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = play("storm-and-burst", tmp_path / "a", "--for", "30000")
    assert play("storm-and-burst", tmp_path / "b", "--for", "30000")[1:] == first[1:]
    file = tmp_path / "other.toml"
    file.write_bytes(shipped()["storm-and-burst"].read_bytes().replace(b"seed = 7", b"seed = 8"))
    assert play(str(file), tmp_path / "b", "--for", "30000")[1] != first[1]


def test_every_line_is_a_topic_and_a_reading_of_the_feed_numbered_without_a_hole(tmp_path):
    facts, readings, truth = play("all-faults", tmp_path)
    lines = readings.decode().splitlines()
    bodies = [decode_reading(line.split("\t")[1].encode()) for line in lines]
    assert [each.seq for each in bodies] == list(range(1, facts["readings"] + 1))
    assert all(Topic.parse(line.split("\t")[0]).commune == "18562" for line in lines)
    assert {type(each).__name__ for each in bodies} >= {"WasteObserved", "WasteContainer", "Device"}
    assert sum(facts["truths"].values()) == len(truth.splitlines())
    words = {reason for each in bodies if isinstance(each.qr, str) for reason in each.qr.split()}
    assert {"turbidity:no-comm", "pH:crc", "waterFlow:no-comm", "status:no-comm"} <= words


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scenario_can_be_read_and_its_faults_have_devices(name):
    assert prepare(read(name)).scenario.name


def test_nothing_that_needs_a_person_happens_on_the_quiet_day(tmp_path):
    facts, _, truth = play("quiet-day", tmp_path)
    assert facts["truths"] == {}
    assert truth == b""
    assert facts["generated_kg"] == pytest.approx(facts["expected_kg"], rel=0.2)


@pytest.mark.slow
def test_a_month_of_twenty_bins_has_all_that_a_commune_lives_through(tmp_path):
    month = replace(read("thirty-days"), every=Seconds(86_400))
    it = prepare(month)
    while it.step():
        pass
    kinds = {each.kind for each in it.village.chronicle.entries}
    alarms = {"binFull", "binOverflow", "fire", "leak", "limit-turbidity", "lampFailed", "dark", "dayBurner"}
    assert kinds >= alarms | {"doorOpen", "storm", "roundMissed", "collected", "skipped", "weighed"}
    facts = it.facts()
    assert facts["weighed_kg"] == pytest.approx(facts["collected_kg"], rel=0.01)
    assert facts["collected_kg"] == pytest.approx(facts["generated_kg"], rel=0.08)


def test_a_fault_shows_for_its_time_only_and_only_where_it_is(tmp_path):
    fault = '[[fault]]\nkind = "silence"\non = "turbidity"\nat = "2h"\nfor = "3h"\n'
    seen = seen_of(scenario_of(tmp_path, fault + "[collection]\nmissed = 0.0\n"), "quality-01")
    silent = [hour for hour, each in seen if "turbidity" not in each.fields]
    assert 2 <= min(silent) <= max(silent) < 5.01
    assert len(silent) == 12
    assert all({"pH", "freeChlorine"} <= set(each.fields) for _, each in seen)
    assert all(each.reasons == {"turbidity": "no-comm"} for hour, each in seen if hour in silent)


def test_a_value_may_stick_and_a_node_without_power_says_nothing(tmp_path):
    faults = (
        '[[fault]]\nkind = "stuck"\non = "ph"\nat = "2h"\nfor = "3h"\n'
        '[[fault]]\nkind = "brown-out"\non = "gw-01"\nat = "10h"\nfor = "2h"\n'
    )
    seen = seen_of(scenario_of(tmp_path, faults), "network-01")
    assert [hour for hour, _ in seen if 10.01 < hour < 11.99] == []
    assert len(seen) == 4 * 22
    flows = {each.fields["waterFlow"] for _, each in seen}
    assert len(flows) > 40


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("binz = 3", "unknown key 'binz'; did you mean 'bins'?"),
        ('commune = "1"', "commune: '1' is no commune's code"),
        ("every = 0", "every: at least 1 s"),
        ('[[happening]]\ndo = "flood"\nat = 0', "happening 1: do: 'flood' is none of"),
        ('[[happening]]\ndo = "fire"\non = "bin-3"\nat = 0', "on: 'bin-3' is no bin here; did you mean"),
        ('[[happening]]\ndo = "storm"\nat = 0\nfor = "1h"', "for: it is over at once"),
        ('[[happening]]\ndo = "storm"\nat = "1d"', "at: is after the scenario's end"),
        ('lights = false\n[[happening]]\ndo = "tripped"\nat = 0', "this commune has no lights"),
        ('[[fault]]\nkind = "cut"\non = "echo-1"\nat = 0', "no device 'echo-1' here; did you mean 'echo-00"),
        ('[[fault]]\nkind = "rust"\non = "ph"\nat = 0', "ph cannot have 'rust'; it can have: crc, cut"),
    ],
)
def test_a_wrong_file_is_told_by_key_with_what_would_be_right(tmp_path, text, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        prepare(scenario_of(tmp_path, text))


def test_an_unknown_name_lists_the_scenarios_that_come_along():
    result = CliRunner().invoke(sim, ["commune", "quiet-dai"])
    assert result.exit_code == 2
    assert "did you mean 'quiet-day'?" in result.output


@pytest.mark.parts
def test_a_scenario_played_to_a_broker_comes_into_custody_whole(mosquitto, tmp_path):
    arguments = ["commune", "storm-and-burst", "--for", "21600", "--broker", mosquitto.address, "--json"]
    with edge_at_work(edge_config(tmp_path, PROVINCE, mosquitto.port)) as (edge, _):
        result = CliRunner().invoke(sim, arguments)
        facts = json.loads(result.output)
        assert result.exit_code == 0
        assert facts["in_custody"] == facts["taken"] == facts["readings"] > 1500
        (seen,) = edge.spool.streams.values()
        assert seen.run_from(1) == facts["taken"]
