"""When certificates and revocation lists end, read straight from their files: a crypto library costs 10 MB.

Only the two times are read, by the layouts of RFC 5280 (4.1 Certificate, 5.1 CertificateList) in DER; whether
anything is *valid* is TLS's business.
"""

import re
import ssl
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["Expiry", "ends", "look", "soonest"]

_BLOCK = re.compile(r"-----BEGIN (CERTIFICATE|X509 CRL)-----(.*?)-----END \1-----", re.DOTALL)
_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x17, 0x18
_LARGEST_FILE = 10_000_000
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Expiry:
    """When a file of the configuration ends. `days_left` is None when `problem` says why it is not known."""

    what: str
    expires: datetime | None = None
    days_left: float | None = None
    problem: str | None = None


def look(files: Iterable[tuple[str, Path | None]], now_ns: int) -> list[Expiry]:
    """Look at the files that are configured: (what a person calls it, where it is). Never raises."""
    found = []
    for what, path in files:
        if path is None:
            continue
        try:
            end = ends(path)
        except (OSError, ValueError) as error:
            found.append(Expiry(what, problem=f"{path}: {getattr(error, 'strerror', None) or error}"))
            continue
        left = (end - datetime.fromtimestamp(now_ns / 1e9, UTC)).total_seconds() / _DAY_S
        found.append(Expiry(what, end, round(left, 2)))
    return found


def soonest(expiries: Sequence[Expiry]) -> float | None:
    """Return the fewest days that are left; None when nothing is known."""
    return min((each.days_left for each in expiries if each.days_left is not None), default=None)


def ends(path: Path) -> datetime:
    """Return when the first of the certificates and lists in a PEM file ends; raise OSError or ValueError."""
    with path.open("rb") as file:
        text = file.read(_LARGEST_FILE).decode("ascii", "replace")
    times = [_end(kind, body) for kind, body in _BLOCK.findall(text)]
    if not times:
        raise ValueError("there is no certificate and no revocation list in it")
    return min(times)


def _end(kind: str, body: str) -> datetime:
    try:
        der = ssl.PEM_cert_to_DER_cert(f"{ssl.PEM_HEADER}\n{body.strip()}\n{ssl.PEM_FOOTER}\n")
        signed = next(_items(next(_items(der, _SEQUENCE)), _SEQUENCE))
        if kind == "CERTIFICATE":
            # version [0]?, serial, algorithm, issuer, validity { notBefore, notAfter }
            parts = [item for item in _tagged(signed) if item[0] == _SEQUENCE]
            times = [_time(tag, value) for tag, value in _tagged(parts[2][1])]
        else:
            # version?, algorithm, issuer, thisUpdate, nextUpdate?
            times = [
                _time(tag, value) for tag, value in _tagged(signed) if tag in (_UTC_TIME, _GENERALIZED_TIME)
            ]
        return times[1]
    except (IndexError, StopIteration, ValueError) as error:
        raise ValueError(f"its {kind.lower()} cannot be read: {error}") from None


def _tagged(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and value of the items that stand one after the other (X.690, 8.1)."""
    here = 0
    while here < len(data):
        tag, length = data[here], data[here + 1]
        here += 2
        if length >= 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[here : here + size], "big")
            here += size
        if here + length > len(data):
            raise ValueError("it is cut off")
        yield tag, data[here : here + length]
        here += length


def _items(data: bytes, wanted: int) -> Iterator[bytes]:
    return (value for tag, value in _tagged(data) if tag == wanted)


def _time(tag: int, value: bytes) -> datetime:
    """Read UTCTime (two digits of the year, 50 and more are 19xx) or GeneralizedTime (RFC 5280, 4.1.2.5)."""
    text = value.decode("ascii")
    if tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
