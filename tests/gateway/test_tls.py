"""Certificates in a configuration: wrong files are named with the remedy, and their ends are known."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization as form

from gateway import config_check
from gateway.feed import decode_event
from gateway.feed.expiry import ends, look, soonest
from gateway.feed.tls import Tls, client_context, tls_problems
from gateway.journal import records
from gateway.node import Node
from gateway.pki.authority import Authority
from gateway.spool import EVENTS
from sensors.errors import ConfigError
from simulators.clock import VirtualClock
from simulators.commune import build
from tests.gateway.authorities import Made
from tests.gateway.times import S
from tests.parts.wait import until


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    authority = Made(tmp_path_factory.mktemp("pki") / "pki")
    authority.issue("node", "gw-01")
    authority.issue("edge")
    return authority


@pytest.fixture
def files(made):
    return made.files("42-18562-gw-01")


def refusal(**files) -> str:
    with pytest.raises(ConfigError) as error:
        client_context(Tls(**files), "[mqtt] ")
    return str(error.value)


def test_a_context_asks_for_a_certificate_looks_at_the_name_and_speaks_tls_1_2_at_least(files):
    context = client_context(Tls(**files), "[mqtt] ")
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_file_that_is_not_there_is_named_with_its_key(files, tmp_path):
    for key in files:
        said = refusal(**{**files, key: tmp_path / "gone.pem"})
        assert said == f"[mqtt] {key}: {tmp_path}/gone.pem cannot be read: No such file or directory"


def test_the_key_of_another_certificate_is_told_from_a_file_that_is_no_certificate(files, made, tmp_path):
    other = made.files("42-18562-edge")["key_file"]
    assert "is not the key of" in refusal(**{**files, "key_file": other})
    (tmp_path / "text").write_text("hello")
    assert "holds no certificate in PEM" in refusal(**{**files, "ca_file": tmp_path / "text"})
    assert "is not a certificate with its key" in refusal(**{**files, "cert_file": tmp_path / "text"})


def test_a_key_with_a_pass_phrase_does_not_stop_and_ask(files, made, tmp_path):
    locked = tmp_path / "locked.key"
    locked.touch(mode=0o600)
    key = form.load_pem_private_key(files["key_file"].read_bytes(), None)
    phrase = form.BestAvailableEncryption(b"phrase")
    locked.write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, phrase))
    assert "has a pass phrase" in refusal(**{**files, "key_file": locked})


def test_a_key_that_everybody_can_read_is_refused_with_the_command_that_mends_it(files, tmp_path):
    loose = tmp_path / "it's.key"
    loose.write_bytes(files["key_file"].read_bytes())
    loose.chmod(0o644)
    said = refusal(**{**files, "key_file": loose})
    assert said.endswith(f"""; run: chmod o-rwx '{tmp_path}/it'"'"'s.key'""")
    loose.chmod(0o640)
    client_context(Tls(**{**files, "key_file": loose}), "[mqtt] ")


def test_half_a_pair_is_a_problem(files):
    assert "key_file: it is missing" in next(tls_problems(Tls(cert_file=files["cert_file"])))
    assert "cert_file: it is missing" in next(tls_problems(Tls(key_file=files["key_file"])))
    alone = Tls(cert_file=files["cert_file"], key_file=files["key_file"])
    assert [problem.split(":")[0] for problem in tls_problems(alone)] == ["ca_file"]
    assert not list(tls_problems(alone, needs_ca=False))


def test_the_end_of_a_certificate_and_of_a_list_are_what_a_library_reads(files, made):
    for path in (files["cert_file"], made.ca):
        assert ends(path) == x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    assert ends(made.crl) == x509.load_pem_x509_crl(made.crl.read_bytes()).next_update_utc


def test_an_end_after_2050_and_a_file_of_several_are_read_too(made, tmp_path, files):
    long = Authority.create(tmp_path / "long", "30", "CA", 10_950, 400)
    assert long.certificate.not_valid_after_utc.year > 2050
    assert ends(tmp_path / "long" / "ca.pem") == long.certificate.not_valid_after_utc
    both = tmp_path / "both.pem"
    both.write_bytes((tmp_path / "long" / "ca.pem").read_bytes() + files["cert_file"].read_bytes())
    assert ends(both) == ends(files["cert_file"])


def test_days_are_counted_and_what_cannot_be_read_is_said_not_raised(files, tmp_path, made):
    now = datetime.now(UTC)
    (tmp_path / "cut.pem").write_text(files["cert_file"].read_text().replace("MII", "MI", 1))
    found = look(
        [
            ("cert_file", files["cert_file"]),
            ("crl_file", None),
            ("ca_file", tmp_path / "gone"),
            ("cut", tmp_path / "cut.pem"),
        ],
        int(now.timestamp() * 1e9),
    )
    assert [each.what for each in found] == ["cert_file", "ca_file", "cut"]
    assert abs(found[0].days_left - 30) < 0.1
    assert found[1].problem == f"{tmp_path}/gone: No such file or directory"
    assert found[2].days_left is None
    assert soonest(found) == found[0].days_left
    assert (
        look([("x", files["cert_file"])], int((now + timedelta(days=40)).timestamp() * 1e9))[0].days_left < 0
    )


def test_a_node_raises_an_alarm_thirty_days_before_its_certificate_ends_and_clears_it_when_it_is_renewed(
    tmp_path,
):
    made = Made(tmp_path / "pki")
    files = made.issue("node", "gw-01", days=20)
    clock = VirtualClock(datetime.now(UTC))
    world = build(1, clock, bins=0, domains=["waste"])
    keys = "".join(f'{key} = "{path}"\n' for key, path in files.items())
    (tmp_path / "node.toml").write_text(
        '[site]\nprovince = "42"\ncommune = "18562"\ngw = "gw-01"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = 1\n{keys}[spool]\npath = "{tmp_path}/node.db"\n'
        '[[device]]\nid = "pi"\ndriver = "pi-health"\n'
        '[[asset]]\nid = "gw-01"\ntype = "Device"\nevery = "60s"\n'
        'inputs = { cpuTemperature = "pi.cpuTemperature" }\n'
    )
    node = Node(config_check.load(tmp_path / "node.toml", {}), world.io)
    node.start(threads=False)
    begin = clock.monotonic_ns()
    for minute in (5, 10):
        node.runner.step(begin + minute * 60 * S)
        until(lambda: not node.journal.committer.depth, what="the commit")
        made.authority.renew("42-18562-gw-01", 400)
    heads = node.spool.heads(EVENTS, 0, node.spool.last_id, 100)
    events = [decode_event(it.body) for head in heads for it in records(node.spool.body(head.id), head.id)]
    node.stop(0.2)
    world.close()
    told = [(event.type, event.state) for event in events if event.type == "certificate"]
    assert told == [("certificate", "raised"), ("certificate", "cleared")]
    assert round(events[0].value) == 20
