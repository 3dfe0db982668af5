"""The authority itself: issues, renews and revokes certificates (RFC 5280), and keeps an index of them all.

Everything begins in 2024, not now: a Pi without a clock chip wakes up in the past, and must find its
certificate, its broker's and the revocation list valid all the same. They *end* as they should.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.pki.files import PRIVATE, PUBLIC, make_folder, replace, write_new
from gateway.pki.names import Bearer, Kind, address
from sensors.errors import ConfigError
from sensors.secrets import check_private

__all__ = ["Authority", "Issued"]

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
"""When everything begins: before this no reading of the feed can have been taken either."""

_WORLD = ("localhost", "127.0.0.1")  # a node and an edge beside their broker reach it so


class Issued(msgspec.Struct, kw_only=True):
    """One line of the index: a certificate that was issued. Times are RFC 3339."""

    serial: str
    cn: str
    kind: Kind
    commune: str = ""
    name: str = ""
    hosts: list[str] = []
    issued: str
    expires: str
    revoked: str | None = None

    @property
    def state(self) -> Literal["valid", "expired", "revoked"]:
        """How it stands now."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if datetime.fromisoformat(self.expires) <= datetime.now(UTC) else "valid"


class _Index(msgspec.Struct, kw_only=True):
    province: str
    crl_days: int
    crl_number: int = 0
    issued: list[Issued] = []


@dataclass(slots=True)
class Authority:
    """A province's authority in its folder: ca.pem, ca.key, crl.pem, index.json and issued/."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    index: _Index

    @classmethod
    def create(cls, folder: Path, province: str, name: str, days: int, crl_days: int) -> "Authority":
        """Make a new authority on P-256; raise ConfigError, and never touch one that is there."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"commune {province}"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        certificate = (
            _builder(subject, subject, key.public_key(), key.public_key(), days)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        make_folder(folder)
        make_folder(folder / "issued")
        write_new(folder / "ca.key", _key_pem(key), PRIVATE)
        write_new(folder / "ca.pem", _pem(certificate), PUBLIC)
        made = cls(folder, key, certificate, _Index(province=province, crl_days=crl_days))
        made.publish_crl()
        return made

    @classmethod
    def load(cls, folder: Path) -> "Authority":
        """Open an authority; raise ConfigError that names the file and says what to do."""
        if not (folder / "ca.key").exists():
            raise ConfigError(f"{folder}: there is no authority here; make one with: commune pki init")
        check_private(folder / "ca.key", "the authority's key")
        try:
            key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
            certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
            index = msgspec.json.decode((folder / "index.json").read_bytes(), type=_Index)
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(
                f"{folder}: the authority cannot be read: {error}; bring back ca.key, ca.pem and index.json"
                " from your copy"
            ) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ConfigError(f"{folder / 'ca.key'}: it is not a key on an elliptic curve")
        if key.public_key() != certificate.public_key():
            raise ConfigError(f"{folder / 'ca.key'} is not the key of {folder / 'ca.pem'}")
        return cls(folder, key, certificate, index)

    def issue(self, whom: Bearer, hosts: Sequence[str], days: int) -> Issued:
        """Make key and certificate for a bearer; raise ConfigError when a valid one is there."""
        valid = self.valid(whom.cn)
        if valid is not None:
            raise ConfigError(
                f"{whom.cn} has a certificate that is good until {valid.expires}: renew or revoke it"
            )
        key_file = self.folder / "issued" / f"{whom.cn}.key"
        if key_file.exists():
            raise ConfigError(
                f"{key_file} is there already, and no key is overwritten; renew keeps it, or move it away"
            )
        self._check(whom, days)
        key = ec.generate_private_key(ec.SECP256R1())
        write_new(key_file, _key_pem(key), PRIVATE)
        return self._sign(whom, hosts, days, key.public_key())

    def renew(self, cn: str, days: int) -> Issued:
        """Make a new certificate for the same key and names; the old one stays good until it ends."""
        last = next((each for each in reversed(self.index.issued) if each.cn == cn), None)
        if last is None:
            raise ConfigError(f"{cn}: never issued here; see: commune pki list")
        if last.revoked is not None:
            raise ConfigError(f"{cn}: revoked; its key must not be used again: move it away, then issue")
        try:
            text = (self.folder / "issued" / f"{cn}.pem").read_bytes()
            public = x509.load_pem_x509_certificate(text).public_key()
        except (OSError, ValueError) as error:
            raise ConfigError(f"{self.folder / 'issued' / cn}.pem cannot be read: {error}") from None
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise ConfigError(f"{cn}: its key is not on an elliptic curve")
        whom = Bearer(
            cn=cn, kind=last.kind, province=self.index.province, commune=last.commune, name=last.name
        )
        self._check(whom, days)
        return self._sign(whom, last.hosts, days, public)

    def revoke(self, cn: str) -> list[Issued]:
        """Revoke every certificate of a bearer that could still be used, and publish the list anew."""
        found = [each for each in self.index.issued if each.cn == cn]
        if not found:
            raise ConfigError(f"{cn}: never issued here; see: commune pki list")
        good = [each for each in found if each.revoked is None]
        if not good:
            raise ConfigError(f"{cn}: revoked already, at {found[-1].revoked}")
        for each in good:
            each.revoked = _text(datetime.now(UTC))
        self.publish_crl()
        return good

    def publish_crl(self) -> datetime:
        """Write the revocation list anew, good for another `crl_days`; return when it ends."""
        self.index.crl_number += 1
        end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=self.index.crl_days)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(EPOCH)
            .next_update(end)
            .add_extension(x509.CRLNumber(self.index.crl_number), critical=False)
            .add_extension(_authority_id(self.key.public_key()), critical=False)
        )
        for each in self.index.issued:
            if each.revoked is not None:
                builder = builder.add_revoked_certificate(
                    x509.RevokedCertificateBuilder()
                    .serial_number(int(each.serial, 16))
                    .revocation_date(datetime.fromisoformat(each.revoked))
                    .build()
                )
        crl = builder.sign(self.key, hashes.SHA256())
        self._save()
        replace(self.folder / "crl.pem", crl.public_bytes(serialization.Encoding.PEM), PUBLIC)
        return end

    def valid(self, cn: str) -> Issued | None:
        """Return the bearer's newest certificate when it is neither revoked nor over."""
        found = [each for each in self.index.issued if each.cn == cn and each.state == "valid"]
        return found[-1] if found else None

    def _check(self, whom: Bearer, days: int) -> None:
        if whom.province != self.index.province:
            raise ConfigError(f"this is the authority of province {self.index.province}, not {whom.province}")
        end = self.certificate.not_valid_after_utc
        if datetime.now(UTC) + timedelta(days=days) > end:
            raise ConfigError(f"the authority itself ends on {end:%Y-%m-%d}; give fewer --days")

    def _sign(
        self, whom: Bearer, hosts: Sequence[str], days: int, public: ec.EllipticCurvePublicKey
    ) -> Issued:
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"commune {whom.province}"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, whom.commune or whom.province),
                x509.NameAttribute(NameOID.COMMON_NAME, whom.cn),
            ]
        )
        # A bridge is a broker that calls another one: it is a client there.
        ends = (
            [ExtendedKeyUsageOID.SERVER_AUTH] if whom.kind == "broker" else [ExtendedKeyUsageOID.CLIENT_AUTH]
        )
        builder = (
            _builder(subject, self.certificate.subject, public, self.key.public_key(), days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(ends), critical=False)
        )
        names = list(dict.fromkeys([*hosts, *_WORLD])) if whom.kind == "broker" else []
        if names:
            places = [address(name) for name in names]
            builder = builder.add_extension(
                x509.SubjectAlternativeName(
                    [x509.DNSName(each) if isinstance(each, str) else x509.IPAddress(each) for each in places]
                ),
                critical=False,
            )
        certificate = builder.sign(self.key, hashes.SHA256())
        issued = Issued(
            serial=f"{certificate.serial_number:x}",
            cn=whom.cn,
            kind=whom.kind,
            commune=whom.commune,
            name=whom.name,
            hosts=list(hosts),
            issued=_text(datetime.now(UTC)),
            expires=_text(certificate.not_valid_after_utc),
        )
        self.index.issued.append(issued)
        self._save()  # first: a certificate that is not in the index could never be revoked
        replace(self.folder / "issued" / f"{whom.cn}.pem", _pem(certificate), PUBLIC)
        return issued

    def _save(self) -> None:
        replace(self.folder / "index.json", msgspec.json.format(msgspec.json.encode(self.index)), PRIVATE)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    authority: ec.EllipticCurvePublicKey,
    days: int,
) -> x509.CertificateBuilder:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(EPOCH)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(_authority_id(authority), critical=False)
    )


def _authority_id(public: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(public)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _text(when: datetime) -> str:
    return when.isoformat(timespec="seconds").replace("+00:00", "Z")
