"""What a certificate says of its bearer: the name that brokers know it by, and what it may be used for."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal

from sensors.errors import ConfigError

__all__ = ["KINDS", "RESERVED", "Bearer", "Kind", "address", "bearer"]

Kind = Literal["node", "edge", "broker", "bridge", "monitor", "operator"]
KINDS: tuple[Kind, ...] = ("node", "edge", "broker", "bridge", "monitor", "operator")
RESERVED = ("edge", "broker", "bridge", "monitor", "operator")
"""Names that no node may have: they stand for the other kinds in a certificate's common name."""

_LONGEST_CN = 64  # RFC 5280, ub-common-name
_LEVEL = re.compile(r"[a-z0-9-]{1,40}")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Whom a certificate is for. `cn` is the user name at a broker, such as 42-18562-gw-01."""

    cn: str
    kind: Kind
    province: str
    commune: str = ""
    name: str = ""


def bearer(kind: Kind, province: str, commune: str = "", name: str = "") -> Bearer:
    """Name a bearer: PROVINCE-COMMUNE-NAME, without commune at the province; raise ConfigError."""
    if not re.fullmatch(r"[0-9]{2}", province):
        raise ConfigError(f"province {province!r} is not a 2-digit unit code such as 42")
    if commune and not re.fullmatch(r"[0-9]{5}", commune):
        raise ConfigError(f"commune {commune!r} is not a 5-digit unit code such as 18562")
    if kind in ("node", "bridge") and not commune:
        raise ConfigError(f"a {kind} belongs to a commune: give --commune with its 5-digit unit code")
    if kind in ("node", "monitor", "operator") and not name:
        raise ConfigError(f"a {kind} has a name: give --name, such as {_EXAMPLES[kind]}")
    if name and not _LEVEL.fullmatch(name):
        raise ConfigError(f"name {name!r} is not made of a-z, 0-9 and '-' only (1 to 40 of them)")
    word = name.partition("-")[0]
    if kind == "node" and word in RESERVED:
        raise ConfigError(f"a node cannot be called {name!r}: the word {word!r} is another kind's")
    tail = name if kind == "node" else "-".join(part for part in (kind, name) if part)
    cn = "-".join(part for part in (province, commune, tail) if part)
    if len(cn) > _LONGEST_CN:
        raise ConfigError(f"name {name!r} is too long: {cn} has more than {_LONGEST_CN} letters")
    return Bearer(cn=cn, kind=kind, province=province, commune=commune, name=name)


_EXAMPLES = {"node": "gw-01", "monitor": "ioc", "operator": "lighting"}


def address(host: str) -> "ipaddress.IPv4Address | ipaddress.IPv6Address | str":
    """Read a host that a broker is reached by: an address or a name; raise ConfigError."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        if not _HOST.fullmatch(host):
            raise ConfigError(f"host {host!r} is neither a host name nor an IP address") from None
        return host.lower()
