"""A link over TLS to a real Mosquitto: what is wrong with a certificate is said, a renewed one is read."""

import logging
from contextlib import contextmanager

import pytest

from gateway.feed.link import Link, Settings
from gateway.feed.tls import Tls, contexts
from tests.gateway.authorities import Made
from tests.parts.mosquitto import Mosquitto
from tests.parts.secured import SecuredBroker
from tests.parts.wait import until

# paho leaves the socket of a failed handshake to the collector, which warns.
pytestmark = [
    pytest.mark.parts,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    made = Made(tmp_path_factory.mktemp("pki") / "pki")
    for name in ("gw-01", "stolen", "late", "again"):
        made.issue("node", name)
    made.expire("42-18562-late")
    made.expire("42-18562-again")
    made.authority.revoke("42-18562-stolen")
    return made


@pytest.fixture(scope="module")
def broker(made):
    with SecuredBroker(made) as broker:
        yield broker


@contextmanager
def link(port, host="localhost", **files):
    it = Link(
        Settings(host=host, port=port, client_id="x", tls=contexts(Tls(**files))),
        on_up=lambda _: None,
        on_down=lambda _: None,
        on_message=lambda _: None,
        on_puback=lambda *_: None,
    )
    it.start()
    try:
        yield it
    finally:
        it.stop()


def said(it: Link, *words: str) -> None:
    until(lambda: any(word in it.state for word in words), within_s=30, what=f"{words}, not {it.state}")
    assert not it.up


def test_a_good_certificate_opens_the_connection(made, broker):
    with link(broker.port, **made.files("42-18562-gw-01")) as it:
        until(lambda: it.up, within_s=30)


UNTOLD = "it may not believe our"


def test_a_revoked_an_expired_and_a_missing_certificate_are_told_with_what_to_do(made, broker):
    with link(broker.port, **made.files("42-18562-stolen")) as it:
        said(it, "our certificate was revoked; ask for a new one", UNTOLD)
    with link(broker.port, **made.files("42-18562-late")) as it:
        said(it, "our certificate has expired; renew it", UNTOLD)
    with link(broker.port, ca_file=made.ca) as it:
        said(it, "the other side wants a certificate: cert_file and key_file", UNTOLD)


def test_a_broker_that_is_not_believed_is_told_from_one_of_another_name(made, broker, tmp_path):
    files = made.files("42-18562-gw-01")
    with link(broker.port, **{**files, "ca_file": Made(tmp_path / "other").ca}) as it:
        said(it, "ca_file is not the CA that signed the other side's certificate")
    with link(broker.port, "127.0.0.2", **files) as it:
        said(it, "use the name that stands in its certificate", "Connection refused")
    with Mosquitto() as plain, link(plain.port, **files) as it:
        said(it, "the other side does not speak TLS on this port", "EOF", "reset", "closed")


def test_a_certificate_that_was_renewed_is_read_without_a_restart(made, broker, caplog):
    caplog.set_level(logging.WARNING)
    with link(broker.port, **made.files("42-18562-again")) as it:
        said(it, "expired", UNTOLD)
        made.authority.renew("42-18562-again", 30)
        until(lambda: it.up, within_s=40)
    assert "PRIVATE KEY" not in caplog.text


def test_a_file_that_vanishes_is_named_until_it_is_back(made, broker, tmp_path):
    files = made.files("42-18562-gw-01")
    copy = tmp_path / "copy.pem"
    copy.write_bytes(files["cert_file"].read_bytes())
    with SecuredBroker(made) as other, link(other.port, **{**files, "cert_file": copy}) as it:
        until(lambda: it.up, within_s=30)
        copy.rename(tmp_path / "away.pem")
        other.restart()
        said(it, f"[mqtt] cert_file: {copy} cannot be read")
        (tmp_path / "away.pem").rename(copy)
        until(lambda: it.up, within_s=40)
