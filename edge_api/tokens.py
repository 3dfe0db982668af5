"""Who may do what over HTTP: tokens, known by their SHA-256, and the machine itself.

A plain SHA-256 is enough: a token has 256 random bits, so there is nothing to guess that a slow hash would
protect. A password that a person thinks up would need one.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Literal

import msgspec

from sensors.settings import Settings

__all__ = ["Scope", "Token", "holder", "token_of"]

Scope = Literal["ingest", "read", "admin"]


class Token(Settings, frozen=True):
    """One [[token]]: who may write (ingest), read or manage (admin); only its SHA-256 is kept, as hex.

    With `commune` it writes readings of that commune only.
    """

    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{1,40}$")]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1)]
    commune: Annotated[str, msgspec.Meta(pattern="^([0-9]{5})?$")] = ""


def holder(tokens: Sequence[Token], secret: str) -> Token | None:
    """Return whose token it is; how long that takes tells nothing about the others."""
    digest = sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
    fitting = [token for token in tokens if hmac.compare_digest(digest, token.sha256)]
    return fitting[0] if fitting else None


def token_of(header: str) -> str:
    """Return the token in an Authorization header (Token, Bearer, or Basic's password), or ''."""
    scheme, _, word = header.strip().partition(" ")
    word = word.strip()
    if scheme.lower() in {"token", "bearer"}:
        return word
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(word, validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
