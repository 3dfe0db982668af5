"""TLS as node and edge use it: whose word counts, who we are, and errors that name file and remedy."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

from sensors.errors import ConfigError
from sensors.secrets import check_private
from sensors.settings import Settings
from sensors.text import said, why

__all__ = ["Tls", "client_context", "contexts", "explained", "show_certificate", "tls_problems"]

PLAIN_MQTT = 1883
TLS_MQTT = 8883


class Tls(Settings, frozen=True, kw_only=True):
    """Part of a table: the CA that is believed, and our own certificate with its key, all as PEM files."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


def tls_problems(tls: Tls, *, needs_ca: bool = True) -> Iterator[str]:
    """Say what is missing in a table; each sentence begins with the key."""
    if (tls.cert_file is None) != (tls.key_file is None):
        missing = "key_file" if tls.key_file is None else "cert_file"
        yield said("{missing}: it is missing; a certificate and its key go together", missing=missing)
    if needs_ca and tls.cert_file is not None and tls.ca_file is None:
        yield said("ca_file: it is missing; name the certificate of the CA that signed the other side's")


def client_context(tls: Tls, where: str) -> ssl.SSLContext:
    """Make the context of a client: TLS 1.2 or newer, the other side's name is checked.

    Without `ca_file` the system's CAs are believed. Raises ConfigError; `where` is the table, as "[mqtt] ".
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # asks for a certificate, and looks at the name in it
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.ca_file is None:
        context.load_default_certs()
    else:
        _believe(context, tls.ca_file, f"{where}ca_file")
    if tls.cert_file is not None and tls.key_file is not None:
        show_certificate(context, tls.cert_file, tls.key_file, where)
    return context


def contexts(mqtt: Tls) -> Callable[[], ssl.SSLContext] | None:
    """Return what makes a context for each connection to a broker, so that renewed files are read.

    None without a `ca_file`: that is MQTT in the open. Raises ConfigError when none could be made now.
    """
    if mqtt.ca_file is None:
        return None
    client_context(mqtt, "[mqtt] ")
    return lambda: client_context(mqtt, "[mqtt] ")


def show_certificate(context: ssl.SSLContext, cert_file: Path, key_file: Path, where: str) -> None:
    """Give a context its own certificate; raise ConfigError that says which of the two files is wrong."""
    check_private(key_file, f"{where}key_file")
    for key, path in (("cert_file", cert_file), ("key_file", key_file)):
        _readable(path, f"{where}{key}")
    try:
        context.load_cert_chain(cert_file, key_file, password=_no_password)
    except _LockedKeyError:
        raise ConfigError(
            where
            + said(
                "key_file: {key_file} has a pass phrase, and nobody is there to type it: use one without",
                key_file=key_file,
            )
        ) from None
    except (ssl.SSLError, ValueError) as error:
        if "KEY_VALUES_MISMATCH" in str(error):
            raise ConfigError(
                where
                + said(
                    "key_file: {key_file} is not the key of {cert_file}",
                    key_file=key_file,
                    cert_file=cert_file,
                )
            ) from None
        raise ConfigError(
            where
            + said(
                "cert_file: {cert_file} with {key_file} is not a certificate with its key in PEM: {error}",
                cert_file=cert_file,
                key_file=key_file,
                error=error,
            )
        ) from None


def explained(error: Exception) -> str:
    """Say what a failed connection means, and what to look at."""
    text = getattr(error, "verify_message", "") or str(error)
    hints = {
        "not yet valid": "is the clock of this machine right?",
        "certificate has expired": "renew it where it was issued, or set the clock of this machine",
        "self-signed": "ca_file is not the CA that signed the other side's certificate",
        "self signed": "ca_file is not the CA that signed the other side's certificate",
        "unable to get local issuer": "ca_file is not the CA that signed the other side's certificate",
        "not valid for": "use the name that stands in its certificate, or issue one with this name",
        "Hostname mismatch": "use the name that stands in its certificate, or issue one with this name",
        "certificate revoked": "our certificate was revoked; ask for a new one",
        "certificate expired": "our certificate has expired; renew it",
        "unknown ca": "the other side does not know the CA that signed our certificate",
        "certificate required": "the other side wants a certificate: cert_file and key_file",
        "handshake failure": "the other side may want a certificate, or a newer TLS",
        "wrong version number": "the other side does not speak TLS on this port",
    }
    lower = text.lower()
    hint = next((hint for sign, hint in hints.items() if sign.lower() in lower.replace("_", " ")), "")
    return f"{text} ({hint})" if hint else text


class _LockedKeyError(Exception):
    """A key wants a pass phrase."""


def _no_password() -> str:
    raise _LockedKeyError


def _believe(context: ssl.SSLContext, ca_file: Path, whose: str) -> None:
    _readable(ca_file, whose)
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError as error:
        raise ConfigError(
            f"{whose}: "
            + said("{ca_file} holds no certificate in PEM: {error}", ca_file=ca_file, error=error)
        ) from None


def _readable(path: Path, whose: str) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise ConfigError(
            f"{whose}: " + said("{path} cannot be read: {why}", path=path, why=why(error))
        ) from None
