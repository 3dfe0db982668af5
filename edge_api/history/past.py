"""What was: the readings of one asset, put together from memory and from disk, each time once."""

import threading
from collections.abc import Iterator
from itertools import chain, islice, starmap

from edge_api.history.bodies import series_of
from edge_api.history.memory import Memory
from edge_api.history.query import Piece, Row, buckets, merged, overlapping
from edge_api.history.safe import SafeDisk
from sensors.sample import Value

_MEMORY = 2**62  # stands for what is in memory among the chunks' ids, and comes after all of them


class TooManyRows(ValueError):  # noqa: N818 - reads as the sentence it is
    """A question has a longer answer than one may ask for; narrow it or give `every`."""


class Past:
    """Answers what was, for callers of any thread; `lock` is that of the memory."""

    def __init__(self, memory: Memory, lock: threading.Lock, disk: SafeDisk) -> None:
        self._memory = memory
        self._lock = lock
        self._disk = disk

    def readings(
        self,
        key: str,
        field: str,
        start_ns: int,
        stop_ns: int,
        every_s: float | None = None,
        *,
        most: int = 50_000,
    ) -> list[Row]:
        """Return an asset's values with start <= time < stop, in the order of time, each time once.

        With `every_s` one row a bucket that has values. Raises TooManyRows above `most` rows.
        """
        values = chain.from_iterable(self._merged(key, field, start_ns, stop_ns))
        found = starmap(Row, values) if every_s is None else buckets(values, every_s)
        rows = list(islice(found, most + 1))
        if len(rows) > most:
            raise TooManyRows(f"more than {most} rows; ask for less time, or for means with `every`")
        return rows

    def columns(self, key: str, start_ns: int, stop_ns: int) -> dict[str, list[tuple[int, Value]]]:
        """Return all fields of an asset with start <= time < stop, sorted by time, each time once.

        With them come `q` and `qr` of readings that were not good, and LATE of those that came late.
        """
        # Memory is looked at before the disk, as in `readings`; the newest version comes last.
        newest = self._in_memory(key)
        nothing: list[dict[str, Piece]] = []
        versions = self._disk.ask(lambda disk: disk.pieces(key, start_ns, stop_ns), nothing) + newest
        fields: dict[str, list[Piece]] = {}
        for version in versions:
            for name, piece in version.items():
                fields.setdefault(name, []).append(piece)
        found = {name: merged(pieces, start_ns, stop_ns) for name, pieces in fields.items()}
        return {name: rows for name, rows in found.items() if rows}  # pieces hold other times too

    def _merged(self, key: str, field: str, start_ns: int, stop_ns: int) -> Iterator[list[tuple[int, Value]]]:
        # Memory is looked at before the disk: what moves meanwhile is then seen twice, never not at all.
        pieces: dict[int, Piece] = {}
        spans: list[tuple[int, int, int]] = []
        for ident, columns in enumerate(self._in_memory(key), _MEMORY):
            if field in columns:
                pieces[ident] = times, _ = columns[field]
                spans.append((ident, min(times), max(times)))
        spans += self._disk.ask(lambda disk: disk.spans(key, start_ns, stop_ns), [])
        for group in overlapping(spans):
            yield merged(
                [pieces[ident] if ident >= _MEMORY else self._piece(ident, key, field) for ident in group],
                start_ns,
                stop_ns,
            )

    def _in_memory(self, key: str) -> list[dict[str, Piece]]:
        """Return what memory holds of an asset, the oldest version first."""
        with self._lock:
            held = self._memory.held(key)
            stale_after_s = self._memory.stale_after_s(key)
        found = []
        for columns, bodies in held:
            found += [columns, *(series.columns(stale_after_s) for series in series_of(bodies, key))]
        return found

    def _piece(self, ident: int, key: str, field: str) -> Piece:
        nothing: Piece = ([], [])
        return self._disk.ask(lambda disk: disk.piece(ident, key, field), nothing)
