"""The durable spool that every hop keeps: segments in SQLite, committed before anything is acknowledged."""

from gateway.spool.committer import Committer
from gateway.spool.compact import Compactor
from gateway.spool.errors import DamageError, SpoolError
from gateway.spool.outbox import Batch, Outbox, Waiting, reclaim
from gateway.spool.ranges import RangeSet
from gateway.spool.salvage import DAMAGE, JUMP
from gateway.spool.segment import EVENTS, READINGS, Gap, Refused, Segment, Span, Stored, Stream, span_of
from gateway.spool.store import Spool

__all__ = [
    "DAMAGE",
    "EVENTS",
    "JUMP",
    "READINGS",
    "Batch",
    "Committer",
    "Compactor",
    "DamageError",
    "Gap",
    "Outbox",
    "RangeSet",
    "Refused",
    "Segment",
    "Span",
    "Spool",
    "SpoolError",
    "Stored",
    "Stream",
    "Waiting",
    "reclaim",
    "span_of",
]
