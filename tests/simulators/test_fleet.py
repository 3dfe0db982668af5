"""Because a fleet's figures are believed: its nodes must number, keep and send again as real ones do."""

import json
from itertools import pairwise

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from gateway.feed import Topic, decode_reading
from simulators.cli import sim
from simulators.fleet.assets import body, commune_assets
from simulators.fleet.held import Held, Item
from simulators.fleet.run import Fleet, broker_settings, over_http, over_mqtt
from tests.edge_api.edge_rig import PROVINCE, edge_at_work, edge_config
from tests.parts.wait import until


class Deaf:
    """A member that sends nothing."""

    def __init__(self):
        self.held, self.refusal, self.seen = Held(), None, []

    def take(self, asset, ts_ns, seen):
        self.held.take(Item(self.held.counts.taken + 1, asset.path, ts_ns, b""))
        self.seen.append((asset, ts_ns, seen))

    def pump(self):
        pass

    def stop(self):
        pass


def held(count):
    it = Held()
    for seq in range(1, count + 1):
        it.take(Item(seq, "waste/bin-0001", seq, b"."))
    return it


def test_readings_fall_due_evenly_each_asset_once_a_period_and_no_commune_all_at_once():
    members = [Deaf(), Deaf()]
    assets = [commune_assets(f"gw-{each}", 10) for each in range(2)]
    Fleet(members, assets, 60.0, now=lambda: 0.0, wall=lambda: 1.8e9).step(119.9)
    for member, owned in zip(members, assets, strict=True):
        times = [ts_ns for _, ts_ns, _ in member.seen]
        assert [asset for asset, *_ in member.seen] == owned * 2
        assert {b - a for a, b in pairwise(times)} == {6_000_000_000}
    assert members[1].seen[0][1] - members[0].seen[0][1] == 3_000_000_000


def test_what_every_asset_says_is_a_reading_of_the_feed_at_any_hour():
    member = Deaf()
    assets = commune_assets("gw-18073", 300)
    fleet = Fleet([member], [assets], 3600.0, now=lambda: 0.0, wall=lambda: 1.8e9)
    fleet.step(24 * 3600 - 1)
    for asset, ts_ns, seen in member.seen:
        decode_reading(body(asset, ts_ns, ("gw-18073", "7f3a9c", 1), seen))
        assert Topic.parse(f"ntm/v1/42/18073/{asset.path}/telemetry")
    assert len({each.name for each in assets}) == 300
    assert any(seen.reasons for *_, seen in member.seen)


def test_a_number_that_does_not_follow_is_refused():
    with pytest.raises(ValueError, match="seq 3 does not follow 1"):
        held(1).take(Item(3, "waste/bin-0001", 0, b""))


@given(
    st.lists(st.one_of(st.integers(0, 40), st.sampled_from(["take", "live", "waiting", "lost"])), max_size=60)
)
def test_whatever_is_lost_and_confirmed_a_reading_is_either_held_or_in_custody(deeds):
    it, mark = held(10), 0
    for deed in deeds:
        if deed == "take":
            it.take(Item(it.counts.taken + 1, "p", 0, b""))
        elif deed in {"live", "waiting"}:
            getattr(it, deed)(3)
        elif deed == "lost":
            it.back_all()
        elif deed <= it.counts.taken:
            mark = max(mark, deed)
            it.confirm_through(deed)
    assert it.lowest == mark + 1
    assert len(it) == it.counts.taken - mark == it.counts.taken - it.counts.in_custody
    it.back_all()
    assert [item.seq for item in it.waiting(100)] == list(range(mark + 1, it.counts.taken + 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "either --broker HOST:PORT or --http URL"),
        (["--broker", "a:1", "--http", "http://b"], "either --broker"),
        (["--broker", "nowhere"], "write HOST:PORT"),
        (["--http", "http://127.0.0.1:1", "--communes", "70"], "write 1 to 69"),
        (["--http", "http://127.0.0.1:1", "--every", "0s"], "at least 0.1 s"),
        (["--http", "http://127.0.0.1:1", "--token-file", "/no/such"], "cannot be read"),
    ],
)
def test_wrong_options_are_named_with_what_would_be_right(arguments, message):
    result = CliRunner().invoke(sim, ["fleet", *arguments])
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.slow
def test_a_fleet_that_nobody_takes_from_says_so_and_ends_with_1():
    arguments = ["--http", "http://127.0.0.1:9", "--communes", "2", "--assets", "5", "--every", "1s"]
    result = CliRunner().invoke(sim, ["fleet", *arguments, "--for", "1", "--drain", "3", "--json"])
    facts = json.loads(result.output.splitlines()[-1])
    assert result.exit_code == 1
    assert facts["taken"] == facts["waiting"] == 11
    assert "127.0.0.1" in facts["refusals"][0]


def run_for(fleet, members, count):
    """Let a fleet run on its own clock until it has taken `count` readings."""
    until(lambda: fleet.step(fleet.elapsed_s()) or fleet.facts().taken >= count, within_s=60)


def drained(fleet):
    return fleet.step(0.0) or fleet.facts().waiting == 0


@pytest.mark.parts
def test_over_mqtt_an_edge_that_was_away_gets_all_of_it_and_custody_lets_go(mosquitto, tmp_path):
    config = edge_config(tmp_path, PROVINCE, mosquitto.port)
    nodes, owned = over_mqtt(3, 20, 1.0, broker_settings(mosquitto.address, None, None), states=True)
    fleet = Fleet(nodes, owned, 1.0)
    try:
        with edge_at_work(config):
            run_for(fleet, nodes, 100)
            until(lambda: fleet.step(0.0) or fleet.facts().in_custody >= 100, within_s=60)
        run_for(fleet, nodes, 300)  # nobody hears these, and the broker is lost with what it kept of them
        mosquitto.kill()
        mosquitto.start()
        with edge_at_work(config) as (edge, _):
            until(lambda: drained(fleet), within_s=60)
            for node in nodes:
                seen = edge.spool.streams[node.gw, node.ep]
                assert seen.run_from(1) == node.held.counts.taken
    finally:
        for node in nodes:
            node.stop()
    assert fleet.facts().resent > 0
    assert fleet.facts().in_custody == fleet.facts().taken


@pytest.mark.parts
def test_over_http_an_edge_that_was_away_gets_all_of_it_once(tmp_path):
    config = edge_config(tmp_path, PROVINCE)
    with edge_at_work(config, serve=True) as (_, url):
        edges, owned = over_http(3, 20, url, "", 0.1)
        fleet = Fleet(edges, owned, 1.0)
        run_for(fleet, edges, 100)
        until(lambda: fleet.facts().in_custody >= 100, within_s=60)
    try:
        run_for(fleet, edges, 200)
        until(lambda: all(each.refusal for each in edges), within_s=60)
        with edge_at_work(config, serve=True) as (edge, url):
            for each in edges:
                each.redirect(url)
            until(lambda: fleet.facts().waiting == 0, within_s=60)
            for each in edges:
                assert edge.spool.streams[each.gw, each.ep].run_from(1) == each.held.counts.taken
    finally:
        for each in edges:
            each.stop()
