"""What a fleet's node has taken and nobody has custody of yet: numbered without a hole, sent until let go."""

import threading
from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Item:
    """One reading: its number, where it goes, its time in ns since 1970, and its bytes."""

    seq: int
    path: str
    ts_ns: int
    body: bytes
    sent: bool = False


@dataclass(slots=True)
class Counts:
    """Readings taken, confirmed by custody, and sent more than once."""

    taken: int = 0
    in_custody: int = 0
    resent: int = 0


@dataclass(slots=True)
class Held:
    """A backlog in memory: what is new, and what waits after an outage; any thread may call."""

    counts: Counts = field(default_factory=Counts)
    _items: dict[int, Item] = field(default_factory=dict)
    _live: deque[int] = field(default_factory=deque)
    _waiting: deque[int] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def lowest(self) -> int:
        """Return the lowest number still held; the next one when nothing is."""
        with self._lock:
            return next(iter(self._items), self.counts.taken + 1)

    @property
    def backlog(self) -> bool:
        """Whether something waits beside what is new."""
        return bool(self._waiting)

    def take(self, item: Item) -> None:
        """Hold a reading; numbers follow each other from 1, raise ValueError when this one does not."""
        with self._lock:
            if item.seq != self.counts.taken + 1:
                raise ValueError(f"seq {item.seq} does not follow {self.counts.taken}")
            self.counts.taken = item.seq
            self._items[item.seq] = item
            self._live.append(item.seq)

    def live(self, most: int) -> list[Item]:
        """Return up to `most` new readings, to be sent now."""
        return self._next(self._live, most)

    def waiting(self, most: int) -> list[Item]:
        """Return up to `most` readings of the backlog, to be sent now."""
        return self._next(self._waiting, most)

    def back(self, items: list[Item]) -> None:
        """These were not taken: they wait."""
        with self._lock:
            self._waiting.extend(item.seq for item in items if item.seq in self._items)

    def back_all(self) -> None:
        """How much was lost is not known: all that is held waits, oldest first."""
        with self._lock:
            self._live.clear()
            self._waiting = deque(self._items)

    def oldest(self) -> Item | None:
        """Return the oldest reading held, to ask with; it counts as sent again if it had been sent."""
        with self._lock:
            item = next(iter(self._items.values()), None)
            if item is not None:
                self.counts.resent += item.sent
                item.sent = True
            return item

    def confirm_through(self, seq: int) -> int:
        """Let go of everything up to a number; return how many those were."""
        with self._lock:
            gone = []
            for number in self._items:  # in order: all that follow are higher
                if number > seq:
                    break
                gone.append(number)
            return self._let_go(gone)

    def confirm(self, items: list[Item]) -> int:
        """Let go of exactly these; return how many were still held."""
        with self._lock:
            return self._let_go([item.seq for item in items if item.seq in self._items])

    def _let_go(self, numbers: list[int]) -> int:
        for number in numbers:
            del self._items[number]
        self.counts.in_custody += len(numbers)
        return len(numbers)

    def _next(self, queue: deque[int], most: int) -> list[Item]:
        found: list[Item] = []
        with self._lock:
            while queue and len(found) < most:
                item = self._items.get(queue.popleft())
                if item is not None:
                    self.counts.resent += item.sent
                    item.sent = True
                    found.append(item)
        return found
