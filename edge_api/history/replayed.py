"""When a reading that is read again from the spool had come: it must not count as late for that."""

from edge_api.history.now import asset_key, place_of
from edge_api.lineprotocol import FeedLines
from edge_api.point import Point

_TOLD_LATE = b"hist=true"
_SHORT_NS = 60_000_000_000


class Replayed:
    """Segments keep the order in which readings came, but not when: no earlier than others of their commune.

    What its node marked as late (`hist`) is late as of now, `now_ns`.
    """

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns
        self._newest: dict[str, int] = {}

    def at_ns(self, point: Point) -> int:
        """Return when a point had come at the earliest; points must be asked for in their order."""
        key = asset_key(point.tags)
        place = "" if key is None else place_of(key)
        newest = max(self._newest.get(place, 0), min(point.ts_ns, self._now_ns))
        self._newest[place] = newest
        return self._now_ns if point.fields.get("hist") is True else newest

    def body_at_ns(self, lines: FeedLines) -> int | None:
        """Return the same of a whole body; None where it must be asked for point by point."""
        if _TOLD_LATE in lines.data or lines.last_ns - lines.first_ns > _SHORT_NS:
            return None
        places = [f"{province}/{commune}" for province, commune in lines.places]
        before = max(self._newest.get(place, 0) for place in places)
        for place in places:
            self._newest[place] = max(self._newest.get(place, 0), min(lines.last_ns, self._now_ns))
        return max(before, min(lines.first_ns, self._now_ns))
