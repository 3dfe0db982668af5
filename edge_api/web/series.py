"""What a chart shows of one field: good values, doubtful ones, and times without any. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from edge_api.history import Row

__all__ = ["Series", "series"]

_NS_A_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Series:
    """Times are seconds since 1970. `line` has None where readings are missing: nothing bridges a gap."""

    line: list[tuple[float, float | None]]
    uncertain: list[tuple[float, float]]
    bad: list[float]

    @property
    def values(self) -> list[float]:
        """Return all values, good and doubtful."""
        return [value for _, value in self.line if value is not None]


def series(
    field: str,
    rows: Iterable[Row],
    quality: Iterable[Row],
    reasons: Iterable[Row],
    *,
    every_s: float,
    stale_after_s: float,
) -> Series:
    """Put a field's means together with what is known of their quality.

    A reading that gives no reasons is doubtful as a whole; one that does only in the fields that it names.
    """
    named = {row.ts_ns: str(row.value).split() for row in reasons}
    doubtful = {
        row.ts_ns
        for row in quality
        if row.ts_ns not in named or any(word.startswith(f"{field}:") for word in named[row.ts_ns])
    }
    every_ns = round(every_s * _NS_A_SECOND)
    buckets = {ts // every_ns for ts in doubtful}
    found = [
        (row.ts_ns, float(row.value)) for row in rows if isinstance(row.value, (int, float)) and row.count
    ]
    widest_ns = max(2.5 * every_s, stale_after_s + every_s) * _NS_A_SECOND
    line: list[tuple[float, float | None]] = []
    uncertain = []
    before: int | None = None
    for ts_ns, value in found:
        if before is not None and ts_ns - before > widest_ns:
            line.append(((before + every_ns) / _NS_A_SECOND, None))
        line.append((ts_ns / _NS_A_SECOND, value))
        if ts_ns // every_ns in buckets:
            uncertain.append((ts_ns / _NS_A_SECOND, value))
        before = ts_ns
    valued = {ts_ns // every_ns for ts_ns, _ in found}
    bad = sorted({ts // every_ns for ts in doubtful} - valued)
    return Series(line, uncertain, [bucket * every_s for bucket in bad])
