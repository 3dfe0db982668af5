"""A real Mosquitto on the generated files: who is refused, who may say what, and what passes the bridge."""

import os
import signal

import pytest

from gateway.feed.kit.listen import Broker, ListenError, listen
from tests.gateway.authorities import COMMUNE, Made
from tests.parts.secured import PLACE, Bearer, SecuredBroker, bearer, let_in
from tests.parts.wait import until

pytestmark = pytest.mark.parts

OTHER = "18565"
NODES = """
[[broker.node]]
gw = "gw-01"
assets = ["waste/bin-1", "lighting/cabinet-1"]
[[broker.node]]
gw = "gw-02"
"""
KEYS = 'monitors = ["42-monitor-ioc"]\noperators = ["42-18562-operator-lights"]'
DONE, FORBIDDEN = "Success", "Not authorized"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    made = Made(tmp_path_factory.mktemp("pki") / "pki")
    for name in ("gw-01", "gw-02", "stolen", "late"):
        made.issue("node", name)
    made.issue("node", "gw-01", commune=OTHER)
    made.issue("edge")
    made.issue("monitor", "ioc", commune="")
    made.issue("operator", "lights")
    made.expire("42-18562-late")
    made.authority.revoke("42-18562-stolen")
    return made


@pytest.fixture(scope="module")
def broker(made):
    with SecuredBroker(made, tables=NODES, keys=KEYS) as broker:
        yield broker


def node(made, name="gw-01", commune=COMMUNE):
    return made.files(f"42-{commune}-{name}")


def answer(said: str) -> str:
    """No subscriber is as good as delivered: the broker has taken it."""
    return DONE if said in ("Success", "No matching subscribers") else said


def test_only_a_certificate_that_is_ours_in_time_and_not_revoked_is_let_in(made, broker, tmp_path):
    stranger = Made(tmp_path / "other", "42")
    forged = {**stranger.issue("node", "gw-01"), "ca_file": made.ca}
    own = {"ca_file": made.ca, "cert_file": stranger.ca, "key_file": tmp_path / "other" / "ca.key"}
    assert let_in(broker, node(made))
    assert not let_in(broker, {"ca_file": made.ca}), "no certificate"
    assert not let_in(broker, own), "self-signed"
    assert not let_in(broker, forged), "of another authority under the same name"
    assert not let_in(broker, node(made, "stolen")), "revoked"
    assert not let_in(broker, node(made, "late")), "expired"
    assert "certificate revoked" in broker.log or "certificate verify failed" in broker.log


def heard_by(broker, files):
    """Listen as `commune feed validate` does; return the messages, or what was said of the refusal."""
    named = {"cafile": files.get("ca_file"), "cert": files.get("cert_file"), "key": files.get("key_file")}
    try:
        return list(listen(Broker(host="localhost", port=broker.port, **named), ["ntm/v1/#"], 0.5))
    except ListenError as error:
        return str(error)


def test_whoever_checks_the_feed_needs_a_certificate_and_is_told_so(made, broker):
    with bearer(broker, node(made)) as it:
        assert answer(it.say(f"{PLACE}/waste/bin-1/telemetry")) == DONE
        assert isinstance(heard_by(broker, made.files("42-monitor-ioc")), list)
    assert "does it want a certificate? Then give --cert and --key" in heard_by(broker, {"ca_file": made.ca})
    assert "does it speak TLS? Then give --cafile" in heard_by(broker, {})
    assert "is the certificate revoked, over" in heard_by(broker, node(made, "stolen"))


def test_the_commands_topics_and_wills_of_others_are_not_a_nodes(made, broker):
    with bearer(broker, node(made)) as it:
        for asset in ("waste/bin-1", "gateway/gw-01", "lighting/cabinet-1"):
            for channel in ("telemetry", "state", "meta", "status", "event"):
                assert answer(it.say(f"{PLACE}/{asset}/{channel}")) == DONE
        assert answer(it.say(f"{PLACE}/lighting/cabinet-1/ack")) == DONE
        for forbidden in (
            "waste/bin-2/telemetry",
            "gateway/gw-02/status",
            "gateway/gw-01/custody",
            "lighting/cabinet-1/cmd",
            "waste/bin-1/ack",
        ):
            assert it.say(f"{PLACE}/{forbidden}") == FORBIDDEN, forbidden
        assert it.say(f"ntm/v1/42/{OTHER}/waste/bin-1/telemetry") == FORBIDDEN
        assert it.say("homeassistant/x") == FORBIDDEN


def test_a_node_without_a_list_of_assets_speaks_for_its_commune_and_for_no_other(made, broker):
    with bearer(broker, node(made, "gw-02")) as it:
        assert answer(it.say(f"{PLACE}/water/works-1/telemetry")) == DONE
        assert it.say(f"{PLACE}/gateway/gw-02/custody") == FORBIDDEN
        assert it.say(f"ntm/v1/42/{OTHER}/water/works-1/telemetry") == FORBIDDEN
        assert it.say(f"ntm/v1/43/{COMMUNE}/water/works-1/telemetry") == FORBIDDEN


def test_another_communes_certificate_says_and_hears_nothing_here(made, broker):
    with bearer(broker, node(made, commune=OTHER)) as foreign, bearer(broker, node(made)) as own:
        foreign.listen("#", f"{PLACE}/+/+/telemetry")
        assert foreign.say(f"{PLACE}/waste/bin-1/telemetry") == FORBIDDEN
        with bearer(broker, made.files("42-18562-edge")) as edge:
            edge.listen(f"{PLACE}/+/+/telemetry")
            own.say(f"{PLACE}/waste/bin-1/telemetry", b"own")
            until(lambda: (f"{PLACE}/waste/bin-1/telemetry", b"own") in edge.heard)
        assert foreign.heard == []


def test_a_foreign_subscription_is_granted_and_gets_nothing(made, broker):
    with bearer(broker, node(made, "gw-02")) as curious, bearer(broker, node(made)) as own:
        curious.listen("#", f"{PLACE}/#", f"{PLACE}/gateway/gw-02/custody")
        own.say(f"{PLACE}/waste/bin-1/telemetry")
        with bearer(broker, made.files("42-18562-edge")) as edge:
            edge.say(f"{PLACE}/gateway/gw-01/custody", retain=True)
            edge.say(f"{PLACE}/gateway/gw-02/custody", retain=True)
        until(lambda: curious.heard, what="its own custody, which comes last")
        assert curious.topics() == {f"{PLACE}/gateway/gw-02/custody"}


def test_a_monitor_hears_everything_and_says_nothing_and_only_an_operator_commands(made, broker):
    lamp = f"{PLACE}/lighting/cabinet-1"
    with (
        bearer(broker, made.files("42-monitor-ioc")) as monitor,
        bearer(broker, made.files("42-18562-operator-lights")) as operator,
        bearer(broker, made.files("42-18562-edge")) as edge,
        bearer(broker, node(made)) as own,
    ):
        monitor.listen(f"{PLACE}/#")
        own.listen(f"{lamp}/cmd")
        assert monitor.say(f"{lamp}/cmd") == FORBIDDEN
        assert edge.say(f"{lamp}/cmd") == FORBIDDEN
        assert edge.say(f"{PLACE}/waste/bin-1/telemetry") == FORBIDDEN
        assert operator.say(f"{lamp}/state") == FORBIDDEN
        assert answer(operator.say(f"{lamp}/cmd", b"on")) == DONE
        until(lambda: (f"{lamp}/cmd", b"on") in own.heard)
        until(lambda: (f"{lamp}/cmd", b"on") in monitor.heard)


def test_nobody_takes_over_anothers_session_by_its_name(made, broker):
    same = "edge-commune-18562"
    with bearer(broker, made.files("42-18562-edge"), same) as edge, bearer(broker, node(made, "gw-02"), same):
        edge.listen(f"{PLACE}/+/+/telemetry")
        with bearer(broker, node(made)) as own:
            own.say(f"{PLACE}/waste/bin-1/telemetry", b"mine")
        until(lambda: edge.heard)
        assert not edge.ended.is_set()


def test_a_body_beyond_every_measure_is_refused(made, broker):
    with bearer(broker, made.files("42-18562-edge")) as edge:
        edge.listen(f"{PLACE}/+/+/telemetry")
        with bearer(broker, node(made)) as it:
            it.client.publish(f"{PLACE}/waste/bin-1/telemetry", b"x" * 100_000, qos=1)
            until(it.ended.is_set, what="the broker to hang up")
        with bearer(broker, node(made)) as it:
            it.say(f"{PLACE}/waste/bin-1/telemetry", b"small")
        until(lambda: edge.heard)
        assert edge.heard == [(f"{PLACE}/waste/bin-1/telemetry", b"small")]


def test_a_list_that_is_over_blocks_everybody_until_it_is_renewed(tmp_path):
    made = Made(tmp_path / "pki")
    made.issue("node", "gw-01")
    with SecuredBroker(made, tables=NODES) as broker:
        assert let_in(broker, node(made))
        made.expire_crl()
        broker.restart()
        assert not let_in(broker, node(made))
        made.authority.publish_crl()
        os.kill(broker.pid, signal.SIGHUP)
        until(lambda: let_in(broker, node(made)), what="the renewed list to count")


def bridged(made: Made, commune: str, above: SecuredBroker, *, commands: bool) -> SecuredBroker:
    """A commune's broker whose bridge calls the one above."""
    made.issue("bridge", commune=commune)
    files = "\n".join(f'{key} = "{path}"' for key, path in made.files(f"42-{commune}-bridge").items())
    commanding = "true" if commands else "false"
    bridge = f'[broker.bridge]\nhost = "localhost"\nport = {above.port}\ncommands = {commanding}\n{files}'
    return SecuredBroker(made, commune=commune, tables=f"{NODES}\n{bridge}")


def test_the_bridge_passes_the_feed_up_commands_down_and_nothing_else(tmp_path):
    made = Made(tmp_path / "pki")
    made.issue("node", "gw-01")
    made.issue("edge")
    made.issue("edge", commune="")
    made.issue("operator", "lights", commune="")
    made.issue("monitor", "ioc", commune="")
    keys = f'communes = ["{COMMUNE}"]\nmonitors = ["42-monitor-ioc"]\noperators = ["42-operator-lights"]'
    lamp = f"{PLACE}/lighting/cabinet-1"
    with (
        SecuredBroker(made, commune="", keys=keys) as above,
        bearer(above, made.files("42-monitor-ioc")) as monitor,
        bridged(made, COMMUNE, above, commands=True) as below,
        bearer(below, node(made)) as own,
        bearer(below, made.files("42-18562-edge")) as edge,
        bearer(above, made.files("42-operator-lights")) as operator,
    ):
        monitor.listen("ntm/v1/42/#")
        own.listen(f"{lamp}/cmd", f"{PLACE}/gateway/gw-01/custody")
        edge.say(f"{PLACE}/gateway/gw-01/custody", b"1")
        for channel in ("telemetry", "event", "state", "meta", "status", "ack"):
            own.say(f"{lamp}/{channel}", channel.encode())
        until(lambda: (f"{lamp}/ack", b"ack") in monitor.heard, within_s=30)
        assert monitor.topics() == {
            f"{lamp}/{channel}" for channel in ("telemetry", "event", "state", "meta", "status", "ack")
        }
        until(lambda: answer(operator.say(f"{lamp}/cmd", b"on")) == DONE)
        until(lambda: (f"{lamp}/cmd", b"on") in own.heard)
        assert operator.say(f"{lamp}/state") == FORBIDDEN
        assert own.topics() == {f"{lamp}/cmd", f"{PLACE}/gateway/gw-01/custody"}


def test_a_bridge_without_commands_lets_none_down_and_may_not_speak_for_another_commune(tmp_path):
    made = Made(tmp_path / "pki")
    made.issue("node", "gw-01")
    made.issue("monitor", "ioc", commune="")
    made.issue("operator", "lights", commune="")
    keys = f'communes = ["{COMMUNE}", "{OTHER}"]\nmonitors = ["42-monitor-ioc"]'
    keys += '\noperators = ["42-operator-lights"]'
    with (
        SecuredBroker(made, commune="", keys=keys) as above,
        bearer(above, made.files("42-monitor-ioc")) as monitor,
        bridged(made, COMMUNE, above, commands=False) as below,
        bearer(below, node(made)) as own,
        bearer(above, made.files("42-operator-lights")) as operator,
    ):
        monitor.listen("ntm/v1/42/#")
        own.listen(f"{PLACE}/lighting/cabinet-1/cmd")
        operator.say(f"{PLACE}/lighting/cabinet-1/cmd", b"on")
        own.say(f"{PLACE}/waste/bin-1/telemetry", b"up")
        until(lambda: (f"{PLACE}/waste/bin-1/telemetry", b"up") in monitor.heard, within_s=30)
        assert own.heard == []
        made.issue("bridge", commune=OTHER)
        impostor = Bearer(above, made.files(f"42-{OTHER}-bridge"))
        assert impostor.connect()
        assert impostor.say(f"{PLACE}/waste/bin-1/telemetry", b"false") == FORBIDDEN
        assert answer(impostor.say(f"ntm/v1/42/{OTHER}/waste/bin-1/telemetry", b"own")) == DONE
        until(lambda: (f"ntm/v1/42/{OTHER}/waste/bin-1/telemetry", b"own") in monitor.heard)
        assert (f"{PLACE}/waste/bin-1/telemetry", b"false") not in monitor.heard
        impostor.close()
