"""Tells each node how far the edge has everything: the highest seq below which nothing is missing."""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from gateway.feed import Custody, Topic, encode
from gateway.spool import DAMAGE, Gap, RangeSet, Spool, Stream

log = logging.getLogger(__name__)

_EVERY_S = 0.2  # a node frees its spool by this rhythm; more often only costs messages
_AGAIN_S = 1.0
_PATIENCE_S = 30.0  # a node that never says what it holds is believed to have begun at what it sent first
RELEASED = "released"
"""Reason of what a node no longer holds: an earlier edge had taken custody of it."""


class Custodian:
    """Computes watermarks and publishes them, retained. `publish` says whether the message was sent."""

    def __init__(
        self,
        spool: Spool,
        publish: Callable[[str, bytes], bool],
        note_gaps: Callable[[list[Gap]], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool = spool
        self._publish = publish
        self._note_gaps = note_gaps
        self._monotonic = monotonic
        self._homes: dict[Stream, tuple[str, str]] = {}
        self._told: dict[Stream, int] = {}
        self._connections = 0  # a number said on one of them is not known to be said on the next
        self._held: dict[Stream, int] = {}
        self._moved: set[Stream] = set()
        self._dirty: set[Stream] = set()
        self._stuck: dict[Stream, tuple[int, float]] = {}
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="custody", daemon=True)
        for key, home in spool.query("SELECT key, value FROM note WHERE key LIKE 'home %'"):
            gw, _, ep = key.removeprefix("home ").partition("/")
            province, _, commune = home.partition("/")
            self._homes[gw, ep] = (province, commune)

    def start(self) -> None:
        """Start publishing."""
        self._thread.start()

    def stop(self) -> None:
        """Publish what is due, then stop."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(2)

    def know(self, stream: Stream, province: str, commune: str) -> None:
        """Remember where a stream's node lives; its custody topic is there."""
        home = (province, commune)
        if self._homes.get(stream) != home:
            with self._wake:
                self._homes[stream] = home
                self._moved.add(stream)
                self._dirty.add(stream)
                self._wake.notify()

    def home(self, stream: Stream) -> tuple[str, str] | None:
        """Return province and commune of a stream's node, None while it has not been heard by MQTT."""
        return self._homes.get(stream)

    def touched(self, streams: Mapping[Stream, tuple[str, str] | None]) -> None:
        """Something of these streams was committed, by nodes that live there: watermarks may have moved."""
        for stream, home in streams.items():
            if home is not None:
                self.know(stream, *home)
        with self._wake:
            self._dirty.update(streams)
            self._wake.notify()

    def say_all(self) -> None:
        """Publish every watermark again: a broker that restarted has forgotten them."""
        with self._wake:
            self._connections += 1
            self._told.clear()
            self._dirty.update(self._homes)
            self._wake.notify()

    def holds(self, stream: Stream, lowest: int) -> None:
        """A node says the lowest seq that it can still send: nothing below will ever come."""
        with self._wake:
            self._held[stream] = max(lowest, self._held.get(stream, 0))
            self._dirty.add(stream)
            self._wake.notify()

    def watermark(self, stream: Stream) -> int | None:
        """Return the custody number of a stream, None while its beginning is missing."""
        with self._spool.lock:
            seen = self._spool.streams.get(stream)
            return None if seen is None else (seen.run_from(1) or seen.run_from(0))

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._dirty or self._stopping, 1.0 if self._stuck else None)
                due, self._dirty = self._dirty | set(self._stuck), set()
                stopping = self._stopping
            for stream in due:
                try:
                    self._write_down(stream)
                    self._say(stream)
                except Exception:
                    # Nodes keep what they hold meanwhile; a custodian that ended would never free them.
                    log.exception("custody of %s/%s cannot be told now; trying again", *stream)
                    with self._wake:
                        self._dirty.add(stream)
                        if stopping:
                            return
                        self._wake.wait_for(lambda: self._stopping, _AGAIN_S)
            with self._wake:
                if stopping and not self._dirty:
                    return
                self._wake.wait_for(lambda: self._stopping, _EVERY_S)

    def _write_down(self, stream: Stream) -> None:
        """Put on disk what a node said of itself: its home, and what it no longer holds."""
        with self._wake:
            home = self._homes[stream] if stream in self._moved else None
            lowest = self._held.get(stream, 0)
        if home is not None:
            self._spool.set_notes({f"home {stream[0]}/{stream[1]}": "/".join(home)})
            with self._wake:
                if self._homes[stream] == home:  # else it has moved on meanwhile, and comes again
                    self._moved.discard(stream)
        with self._spool.lock:
            seen = self._spool.streams.get(stream, RangeSet())
            missing = list(seen.missing(1, lowest - 1)) if lowest > 1 else []
        if missing:
            # Of what a damaged spool had taken nobody knows whether it was passed on.
            reason = DAMAGE if self._spool.note("salvaged") else RELEASED
            self._note_gaps([Gap(stream, first, last, reason) for first, last in missing])

    def _say(self, stream: Stream) -> None:
        mark = self.watermark(stream)
        if mark is None:
            self._unstick(stream)
            return
        self._stuck.pop(stream, None)
        with self._wake:
            home, connection = self._homes.get(stream), self._connections
            if home is None or self._told.get(stream) == mark:
                return
        gw, ep = stream
        topic = str(Topic(*home, "gateway", gw, "custody"))
        if self._publish(topic, encode(Custody(v=1, gw=gw, ep=ep, seq=mark))):
            with self._wake:
                if connection == self._connections:
                    self._told[stream] = mark

    def _unstick(self, stream: Stream) -> None:
        """The first numbers are missing: our nodes say in their meta what they hold, others get a while."""
        with self._spool.lock:
            lowest = next(iter(self._spool.streams.get(stream, RangeSet())), (0, 0))[0]
        if not lowest:  # a node that only said hello: its clock may not be set yet, and nothing is missing
            self._stuck.pop(stream, None)
            return
        known, since = self._stuck.get(stream, (-1, 0.0))
        if known != lowest:
            self._stuck[stream] = (lowest, self._monotonic())
        elif self._monotonic() - since > _PATIENCE_S:
            log.warning("%s/%s began at %d; what came before it will not come", *stream, lowest)
            self._note_gaps([Gap(stream, 1, lowest - 1, "unknown")])
