"""Because long outages cannot be waited for: a spool as one leaves it behind."""

from pathlib import Path

from edge_api.lines import join_lines
from gateway.spool import READINGS, Segment, Spool, span_of

STREAM = ("gw-01", "aa")
START_NS = 1_790_000_000_000_000_000


def line(number: int) -> bytes:
    """One reading with a little noise in it, so that gzip has something to do."""
    noise = (number * 2654435761) % 1000 / 10
    tags = f"asset=bin-{number % 40:04},commune=18562,domain=waste,province=42"
    fields = f'gw="gw-01",ep="aa",seq={number}i,q="good",temperature={noise}'
    return f"WasteContainer,{tags} {fields} {START_NS + number * 1_000_000}".encode()


def fill(path: Path, count: int, a_segment: int = 50) -> None:
    """Make a spool with `count` readings in segments of so many."""
    spool = Spool(path)
    waiting = []
    for first in range(1, count + 1, a_segment):
        numbers = range(first, min(first + a_segment, count + 1))
        span = span_of((*STREAM, number) for number in numbers)
        body = join_lines([line(number) for number in numbers])
        at_ns = START_NS + first * 1_000_000
        waiting.append(Segment(READINGS, len(numbers), span, body, at_ns, at_ns))
        if len(waiting) == 1_000 or numbers[-1] == count:
            spool.append(waiting)
            waiting.clear()
    spool.close()
