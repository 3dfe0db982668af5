"""The authority's commands, as a person in a provincial office types them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from gateway.cli import main
from gateway.pki.authority import EPOCH
from tests.gateway.authorities import Made


def pki(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["pki", *words, "--dir", str(folder / "pki")])


@pytest.fixture
def made(tmp_path):
    assert pki(tmp_path, "init", "--province", "42").exit_code == 0
    return tmp_path


def facts(folder: Path, *words: str) -> dict:
    found = pki(folder, *words, "--json")
    assert found.exit_code in (0, 1), found.output
    return json.loads(found.output)


def certificate(path: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(Path(path).read_bytes())


def test_a_certificate_carries_commune_and_node_and_begins_before_a_pi_without_a_clock_wakes(made):
    issued = facts(made, "issue", "node", "--commune", "18562", "--name", "gw-01")
    found = certificate(issued["cert_file"])
    assert found.subject.rfc4514_string() == "CN=42-18562-gw-01,OU=18562,O=commune 42,C=VN"
    assert found.not_valid_before_utc == EPOCH
    assert issued["cn"] == "42-18562-gw-01"
    assert issued["serial"] == f"{found.serial_number:x}"


def test_keys_are_for_their_owner_only(made):
    pki(made, "issue", "edge", "--commune", "18562")
    keys = [*(made / "pki").rglob("*.key"), made / "pki" / "index.json"]
    assert len(keys) == 3
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}


def test_nothing_is_overwritten(made):
    before = {path: path.read_bytes() for path in (made / "pki").rglob("*") if path.is_file()}
    again = pki(made, "init", "--province", "42")
    assert (again.exit_code, "never overwritten" in again.output) == (2, True)
    assert {path: path.read_bytes() for path in before} == before
    key = made / "pki" / "issued" / "42-18562-edge.key"
    key.write_text("someone's")
    refused = pki(made, "issue", "edge", "--commune", "18562")
    assert (refused.exit_code, key.read_text()) == (2, "someone's")


def test_a_renewed_certificate_has_the_same_key_a_new_number_and_lasts_longer(made):
    first = facts(made, "issue", "broker", "--commune", "18562", "--host", "broker.local", "--days", "10")
    old = certificate(first["cert_file"])
    second = facts(made, "renew", "42-18562-broker", "--days", "100")
    new = certificate(second["cert_file"])
    assert new.public_key() == old.public_key()
    assert new.serial_number != old.serial_number
    assert new.not_valid_after_utc > old.not_valid_after_utc
    names = new.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["broker.local", "localhost"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_revoking_puts_every_certificate_of_the_bearer_in_the_list(made):
    pki(made, "issue", "node", "--commune", "18562", "--name", "gw-01")
    pki(made, "renew", "42-18562-gw-01")
    revoked = facts(made, "revoke", "42-18562-gw-01")
    crl = x509.load_pem_x509_crl(Path(revoked["crl_file"]).read_bytes())
    assert {f"{each.serial_number:x}" for each in crl} == set(revoked["serials"])
    assert len(revoked["serials"]) == 2
    assert crl.last_update_utc == EPOCH
    assert pki(made, "renew", "42-18562-gw-01").exit_code == 2


def test_the_list_says_what_ends_soon_and_fails(made):
    pki(made, "issue", "edge", "--commune", "18562", "--days", "100")
    assert pki(made, "list").exit_code == 0
    pki(made, "issue", "node", "--commune", "18562", "--name", "gw-01", "--days", "5")
    late = pki(made, "list", "--json")
    assert late.exit_code == 1
    assert json.loads(late.output)["ends_soon"] == ["42-18562-gw-01"]


def test_the_revocation_list_is_renewed_before_it_blocks_everybody(tmp_path):
    made = Made(tmp_path / "pki")
    made.expire_crl()
    listed = pki(tmp_path, "list", "--json")
    assert listed.exit_code == 1
    assert json.loads(listed.output)["ends_soon"] == ["crl.pem"]
    assert pki(tmp_path, "renew", "--crl").exit_code == 0
    assert pki(tmp_path, "list").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("node", "--name", "gw-01"), "give --commune"),
        (("node", "--commune", "18562"), "give --name, such as gw-01"),
        (("node", "--commune", "1856", "--name", "gw-01"), "not a 5-digit unit code"),
        (("node", "--commune", "18562", "--name", "edge"), "the word 'edge' is another kind's"),
        (("node", "--commune", "18562", "--name", "bridge-2"), "the word 'bridge' is another kind's"),
        (("node", "--commune", "18562", "--name", "a/../../b"), "not made of a-z"),
        (("node", "--commune", "18562", "--name", "Nút"), "not made of a-z"),
        (("broker", "--commune", "18562", "--host", "a b"), "neither a host name nor an IP address"),
        (("edge", "--commune", "18562", "--host", "edge.local"), "--host belongs to a broker"),
        (("edge", "--days", "99999"), "--days"),
    ],
)
def test_what_cannot_be_issued_is_refused_with_the_remedy(made, words, said):
    refused = pki(made, "issue", *words)
    assert refused.exit_code == 2
    assert said in refused.output
    assert not list((made / "pki" / "issued").iterdir())


def test_a_damaged_or_missing_authority_is_said_in_a_sentence(tmp_path, made):
    assert "make one with: commune pki init" in pki(tmp_path / "none", "list").output
    (made / "pki" / "index.json").write_text("{")
    broken = pki(made, "list")
    assert broken.exit_code == 2
    assert "bring back ca.key, ca.pem and index.json" in broken.output
    (made / "pki" / "ca.key").chmod(0o644)
    assert "run: chmod o-rwx" in pki(made, "list").output
