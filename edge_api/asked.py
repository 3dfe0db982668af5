"""What the HTTP side may ask of an edge (`edge_api.api.view.EdgeView`), answered from its parts."""

import logging
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from importlib.metadata import version
from typing import BinaryIO

from msgspec.structs import replace

from edge_api import status
from edge_api.api import view
from edge_api.arrivals import BatchArrival
from edge_api.bodies import is_event
from edge_api.expiries import certificates
from edge_api.gaps import gaps
from edge_api.intake import refusal_of
from edge_api.parts import Parts
from edge_api.replay import replay as send_again
from edge_api.tokens import Scope, Token, holder

log = logging.getLogger(__name__)

_MOST_WAITING = (
    50_000  # points of HTTP bodies on their way to the disk, some 50 MB; past it children keep them
)

_SHOWN_S = 10.0  # more when the disk is slow: it is shown later then

_VERSION = version("commune")  # it is looked for on the disk


class Asked(Parts):
    """The answers. Every method may be called from any thread."""

    def submit(self, batch: view.WriteBatch) -> "Future[None]":
        """Take a batch for the writer; raise SpoolFull or CannotCommit when there is no room for it."""
        full = self.room.refusal(event=is_event(batch.points))
        if full is not None:
            raise refusal_of(full)
        size = len(batch.points)
        with self._taking:
            if self._points_waiting and self._points_waiting + size > _MOST_WAITING:
                raise view.CannotCommit("too much waits for the disk", 5.0)
            self._points_waiting += size
        done: Future[None] = Future()
        done.add_done_callback(lambda _: self._taken(size))
        try:
            self.committer.put(BatchArrival(batch.body_gzip, batch.points, done))
        except RuntimeError as error:
            done.cancel()
            raise view.CannotCommit(str(error), 5.0) from error
        return done

    def _taken(self, points: int) -> None:
        with self._taking:
            self._points_waiting -= points

    def grant_s(self, size: int, *, backlog: bool) -> float:
        """Return 0 when a body is welcome now, else the seconds to wait."""
        return self._grants.ask(size, backlog=backlog)

    def relay_status(self) -> view.RelayStatus:
        """Return how the upstreams stand."""
        relays = [*self.relays, *(each.relay for each in self.rollers)]
        found = status.of_relays(relays, self._wall_ns(), self.room.quota.autonomy_hours())
        passed_over = {each.name: each.passed_over for each in self.rollers}
        return view.RelayStatus(
            [
                self._drains.look(replace(each, passed_over=passed_over.get(each.name)))
                for each in found.upstreams
            ]
        )

    def gaps(self) -> Sequence[view.Gap]:
        """Return what is known to be missing."""
        return gaps(self.spool)

    def quarantine(self) -> Sequence[view.QuarantinedLine]:
        """Return what no one would take."""
        return status.quarantine(self.spool)

    def replay(self, number: int, fixed: bytes | None) -> None:
        """Send a quarantined body again, mended if `fixed` is given; it is shown when this returns."""
        send_again(self.spool, number, fixed, self._wall_ns())
        wait([self._show_others()], _SHOWN_S)

    def drop(self, number: int) -> None:
        """Give a quarantined body up for good."""
        if not self.spool.drop_refused([number]):
            raise KeyError(number)

    def export(self, upstream: str | None) -> Iterator[bytes]:
        """Yield what waits for an upstream as signed blocks."""
        from edge_api import carry  # noqa: PLC0415 - cryptography costs 10 MB, and few edges carry

        if self._signer is None:
            raise ValueError("[exchange] key_file: without a key nothing is signed; see `commune edge key`")
        for outbox in self._outboxes:
            if upstream in (None, outbox.upstream):
                return carry.export(outbox, self._signer, carry.place_of(self.config.site, self.spool))
        raise ValueError(f"there is no upstream {upstream!r}")

    def take_in(self, file: BinaryIO) -> view.Imported:
        """Commit an export, or let go of what a receipt confirms."""
        from edge_api import carry  # noqa: PLC0415

        place = carry.place_of(self.config.site, self.spool)
        trusted = [each.public_key for each in self.config.trusted]
        return carry.take_in(file, trusted, self.submit, self._outboxes, place, self._signer)

    def counters(self) -> view.Counters:
        """Return totals, and per node how many were taken, committed and delivered."""
        free = shutil.disk_usage(self.config.spool.path.parent).free
        return status.counters(self.spool, self.relays, self.intake.counts, free, self.room)

    def token_ok(self, token: str, scope: Scope, *, local: bool = False) -> bool:
        """Whether a token opens a scope; without configured tokens only this machine may, unless `open`."""
        http = self.config.http
        if scope == "read" and http.open_reading:
            return True
        if not self.config.tokens:
            return http.open or local
        found = self.holder(token)
        return found is not None and scope in found.scopes

    def holder(self, token: str) -> Token | None:
        """Return whose token it is; None when it is nobody's."""
        return holder(self.config.tokens, token) if token else None

    def certificates(self) -> Sequence[view.Certificate]:
        """Return when each certificate and revocation list ends that this edge depends on."""
        return certificates(self.config, self._wall_ns())

    def info(self) -> view.EdgeInfo:
        """Return who this edge is."""
        site = self.config.site
        return view.EdgeInfo(
            level=site.level,
            province=site.province,
            commune=site.commune,
            name=site.name or site.commune or site.province or site.level,
            version=_VERSION,
            problem=self.committer.failing or self.room.problem,
        )

    def now_ns(self) -> int:
        """Return the time for ages on the page."""
        return self._wall_ns()
