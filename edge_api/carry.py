"""Carries segments out of an edge to a file and into another from it, under the same rules of identity."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from edge_api.api.view import Imported, WriteBatch
from edge_api.config import Site
from edge_api.exchange import (
    BLOCK_BYTES,
    Block,
    ExchangeError,
    Header,
    Place,
    Signer,
    export_block,
    read_blocks,
    receipt_block,
)
from edge_api.ingest.body import BodyError, gunzip
from edge_api.lineprotocol import LineError, parse
from gateway.spool import EVENTS, READINGS, DamageError, Outbox, Spool
from gateway.spool.outbox import Batch
from gateway.spool.segment import Head

if TYPE_CHECKING:
    from concurrent.futures import Future

Submit = Callable[[WriteBatch], "Future[None]"]

_SCAN = 500
_UNPACKED_MOST = 64_000_000
_COMMIT_S = 60.0


def waiting_heads(outbox: Outbox) -> Iterator[Head]:
    """Yield what an upstream has not confirmed, in the order of commit, without holding the spool."""
    at = 0
    while True:
        with outbox.spool.lock:
            last = outbox.spool.last_id
            ranges = list(outbox.delivered.missing(at, last)) if at <= last else []
        if not ranges:
            return
        low, high = ranges[0]
        heads = [head for lane in (EVENTS, READINGS) for head in outbox.spool.heads(lane, low, high, _SCAN)]
        heads = sorted(heads)[:_SCAN]
        yield from heads
        at = heads[-1].id + 1 if len(heads) == _SCAN else high + 1


def export(outbox: Outbox, signer: Signer, place: Place) -> Iterator[bytes]:
    """Yield the blocks of an export: all that waits for this upstream. Nothing is let go of yet."""
    heads: list[Head] = []
    bodies: list[bytes] = []
    for head in waiting_heads(outbox):
        try:
            body = outbox.spool.body(head.id)
        except (KeyError, DamageError):
            continue  # delivered in the meantime, or set aside
        if heads and sum(map(len, bodies)) + len(body) > BLOCK_BYTES:
            yield export_block(signer, place, outbox.upstream, heads, bodies)
            heads, bodies = [], []
        heads.append(head)
        bodies.append(body)
    if heads:
        yield export_block(signer, place, outbox.upstream, heads, bodies)


def take_in(
    file: BinaryIO,
    trusted: Iterable[str],
    submit: Submit,
    outboxes: Iterable[Outbox],
    place: Place,
    signer: Signer | None,
) -> Imported:
    """Commit every whole block of a file, or let go of what a receipt confirms.

    Stops at the first block that is not right and says so; what came before stays, and may come again.
    Raises SpoolFull or CannotCommit when this edge cannot take it.
    """
    result = Imported()
    blocks = read_blocks(file, trusted)
    receipts = []
    while True:
        try:
            block = next(blocks, None)
            if block is None:
                break
            if block.header.kind == "receipt":
                result.released += _let_go(block.header, outboxes, place)
            else:
                result.points += _commit(block, submit)
                if signer is not None:
                    receipts.append(receipt_block(signer, block.header))
        except ExchangeError as error:
            result.problem = str(error)
            break
        result.blocks += 1
    result.receipt = b"".join(receipts).hex()
    return result


def _commit(block: Block, submit: Submit) -> int:
    points = 0
    for piece, body in zip(block.header.pieces, block.bodies, strict=True):
        try:
            parsed = parse(gunzip(body, _UNPACKED_MOST))
        except (BodyError, LineError) as error:
            raise ExchangeError(f"segment {piece.id}: {error}") from None
        submit(WriteBatch(body, parsed)).result(_COMMIT_S)
        points += len(parsed)
    return points


def _let_go(header: Header, outboxes: Iterable[Outbox], place: Place) -> int:
    """Count a receipt's segments as confirmed; return how many readings that frees."""
    if Place(header.level, header.province, header.commune, header.spool) != place:
        raise ExchangeError(
            f"a receipt for spool {header.spool} of {header.level} {header.province} {header.commune},"
            " not for the one of this edge"
        )
    for outbox in outboxes:
        if outbox.upstream == header.upstream:
            return _confirm(outbox, {piece.id for piece in header.pieces})
    raise ExchangeError(f"a receipt for upstream {header.upstream!r}, which this edge does not have")


def _confirm(outbox: Outbox, ids: set[int]) -> int:
    heads = [head for head in waiting_heads(outbox) if head.id in ids]
    if heads:
        outbox.done(Batch("export", tuple(heads)))
    return sum(head.points for head in heads)


def place_of(site: Site, spool: Spool) -> Place:
    """Return who an edge is, as it stands in its exports."""
    return Place(site.level, site.province, site.commune, name_of(spool))


def name_of(spool: Spool) -> str:
    """Return the spool file's own name, made when it is first asked for."""
    name = spool.note("name")
    if not name:
        name = secrets.token_hex(8)
        spool.set_notes({"name": name})
    return name
