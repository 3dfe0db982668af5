"""When a reading that is read again from the spool had come: it must not count as late for that."""

from edge_api.history.now import asset_key
from edge_api.point import Point


class Replayed:
    """Segments keep the order in which readings came, but not when: no earlier than others of the asset.

    What its node marked as late (`hist`) is late as of now, `now_ns`.
    """

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns
        self._newest: dict[str | None, int] = {}

    def at_ns(self, point: Point) -> int:
        """Return when a point had come at the earliest; points must be asked for in their order."""
        key = asset_key(point.tags)
        newest = max(self._newest.get(key, 0), min(point.ts_ns, self._now_ns))
        self._newest[key] = newest
        return self._now_ns if point.fields.get("hist") is True else newest
