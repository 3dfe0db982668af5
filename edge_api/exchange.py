"""Segments on a USB stick: signed blocks that a commune without a link carries to any level above.

A file is a row of blocks. Each is a line `commune-export 1 LENGTH`, a JSON header of that many bytes, a
newline, 64 bytes of Ed25519 signature (RFC 8032) of the header, and the bodies, whose SHA-256 is in the
header. A block stands alone: a file cut short gives all its whole blocks, and one that was taken in before
changes nothing when it comes again.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.spool.segment import Head

MAGIC = b"commune-export 1 "
BLOCK_BYTES = 1_000_000
_HEADER_MOST = 4_000_000
_BODIES_MOST = 64_000_000
_SIGNATURE = 64


class ExchangeError(ValueError):
    """A file is not one of ours, is damaged, or is signed by no one we trust; the message says which."""


class Piece(msgspec.Struct, frozen=True):
    """One segment in a block."""

    id: int
    lane: int
    points: int
    size: int


class Header(msgspec.Struct, frozen=True):
    """What a block is: `export` carries segments, `receipt` says that a block's ids were taken in."""

    kind: Literal["export", "receipt"]
    key: str
    level: str
    province: str
    commune: str
    spool: str
    upstream: str
    pieces: list[Piece]
    digest: str


class Block(msgspec.Struct, frozen=True):
    """A block whose signature and digest are right; bodies are gzip line protocol."""

    header: Header
    bodies: list[bytes]


class Signer:
    """The edge's own key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw().hex()

    @classmethod
    def load(cls, path: Path) -> "Signer":
        """Read a PEM file; raise ExchangeError that names it."""
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise ExchangeError(f"{path}: not a key that can be used: {error}") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise ExchangeError(f"{path}: not an Ed25519 key; make one with `commune edge key`")
        return cls(key)

    @classmethod
    def create(cls, path: Path) -> "Signer":
        """Make a key in a file that only its owner can read; raise ExchangeError when there is one."""
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            path.touch(mode=0o600, exist_ok=False)
            path.write_bytes(pem)
        except OSError as error:
            raise ExchangeError(f"{path}: cannot be made: {error}") from None
        return cls(key)

    def sign(self, header: Header, bodies: Iterable[bytes]) -> bytes:
        """Return a whole block."""
        text = msgspec.json.encode(header)
        return b"%s%d\n%s\n%s%s" % (MAGIC, len(text), text, self._key.sign(text), b"".join(bodies))


class Place(msgspec.Struct, frozen=True):
    """Who exports, and from which spool file: the numbers of segments mean nothing in another."""

    level: str
    province: str
    commune: str
    spool: str


def export_block(
    signer: Signer, place: Place, upstream: str, heads: list[Head], bodies: list[bytes]
) -> bytes:
    """Write segments as one block."""
    pieces = [
        Piece(head.id, head.lane, head.points, len(body)) for head, body in zip(heads, bodies, strict=True)
    ]
    return signer.sign(_header("export", signer, place, upstream, pieces, bodies), bodies)


def receipt_block(signer: Signer, taken: Header) -> bytes:
    """Write the proof that a block was taken in; its exporter may then let go."""
    place = Place(taken.level, taken.province, taken.commune, taken.spool)
    return signer.sign(_header("receipt", signer, place, taken.upstream, taken.pieces, []), [])


def _header(
    kind: Literal["export", "receipt"],
    signer: Signer,
    place: Place,
    upstream: str,
    pieces: list[Piece],
    bodies: list[bytes],
) -> Header:
    digest = sha256(b"".join(bodies)).hexdigest()
    where = (place.level, place.province, place.commune, place.spool)
    return Header(kind, signer.public, *where, upstream, pieces, digest)


def read_blocks(file: BinaryIO, trusted: Iterable[str]) -> Iterator[Block]:
    """Yield a file's blocks in order; raise ExchangeError at the first that cannot be trusted."""
    keys = set(trusted)
    number = 0
    while line := file.readline(len(MAGIC) + 12):
        number += 1
        where = f"block {number}"
        if not line.startswith(MAGIC) or not line.endswith(b"\n") or not line[len(MAGIC) : -1].isdigit():
            raise ExchangeError(f"{where}: not an export of commune")
        length = int(line[len(MAGIC) : -1])
        if length > _HEADER_MOST:
            raise ExchangeError(f"{where}: its header is too long to be ours")
        text = _exactly(file, length + 1, where)[:-1]
        signature = _exactly(file, _SIGNATURE, where)
        header = _check(text, signature, keys, where)
        size = 0 if header.kind == "receipt" else sum(piece.size for piece in header.pieces)
        if size > _BODIES_MOST or any(piece.size < 0 for piece in header.pieces):
            raise ExchangeError(f"{where}: it says that it holds {size} bytes, which no export of ours does")
        whole = _exactly(file, size, where)
        if sha256(whole).hexdigest() != header.digest:
            raise ExchangeError(f"{where}: its content was altered or damaged on the way; export it again")
        yield Block(header, _cut(whole, header.pieces) if header.kind == "export" else [])


def _check(text: bytes, signature: bytes, keys: set[str], where: str) -> Header:
    try:
        header = msgspec.json.decode(text, type=Header)
    except msgspec.MsgspecError as error:
        raise ExchangeError(f"{where}: its header cannot be read: {error}") from None
    if header.key not in keys:
        raise ExchangeError(
            f"{where}: signed with key {header.key[:80]}, which is not in any [[trust]] table"
        )
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(header.key)).verify(signature, text)
    except (InvalidSignature, ValueError):
        raise ExchangeError(f"{where}: wrong signature; nothing of it was taken in") from None
    return header


def _exactly(file: BinaryIO, size: int, where: str) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise ExchangeError(f"{where}: the file ends in the middle of it; what came before was taken in")
    return data


def _cut(whole: bytes, pieces: list[Piece]) -> list[bytes]:
    bodies, at = [], 0
    for piece in pieces:
        bodies.append(whole[at : at + piece.size])
        at += piece.size
    return bodies
