"""Keeps lamps as they should be: by the last command while it holds, else by the schedule."""

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
from msgspec import UNSET, Struct

from gateway.commands.audit import Audit
from gateway.commands.config import Commands, Lighting
from gateway.commands.orders import Order, Refusal, judge
from gateway.commands.schedule import by_lux, by_sun
from gateway.feed import Ack, encode, from_ns
from gateway.feed.commands import Outcome
from gateway.spool import Spool
from sensors.errors import BusError
from sensors.sample import Value

log = logging.getLogger(__name__)

_TICK_S = 5.0
_STILL_LIGHT_NS = 900 * 1_000_000_000  # a daylight older than that says nothing of now
_AGAIN_NS = 60 * 1_000_000_000  # a contactor that does not follow is tried again, not hammered
_MOST_WAITING = 100
_NOTE = "lights "
_IDS = "commands"


class Held(Struct, omit_defaults=True):
    """What outlives a restart: what was switched last, and the command that holds.

    `base` is what the schedule wanted when the command came: it holds until the schedule wants another.
    """

    on: bool | None = None
    command: str = ""
    command_on: bool = False
    until_ns: int | None = None
    base: bool | None = None


@dataclass(slots=True)
class Lamp:
    """One [[lighting]] at work. `shown` is what its device was told in this run, None before the first."""

    config: Lighting
    held: Held
    shown: bool | None = None
    tried_ns: int | None = None
    lux: float | None = None
    lux_ns: int = 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lamps need of their node. `switch` raises BusError; `say` sends once, False when there is no link.

    `now_ns` is UTC or None; `trusted` says whether the clock is synchronised, or was in this boot.
    """

    now_ns: Callable[[], int | None]
    trusted: Callable[[], bool]
    monotonic_ns: Callable[[], int]
    switch: Callable[[str, bool], None]
    say: Callable[[str, bytes], bool]
    lat: float | None
    lon: float | None


class Lights:
    """All lamps of a node, in one thread of its own; `heard` and `seen` may be called from any thread."""

    def __init__(
        self, commands: Commands, lights: Sequence[Lighting], gw: str, spool: Spool, around: Surroundings
    ) -> None:
        self._enabled = commands.enabled
        self._audit = Audit(commands.audit, int(commands.audit_bytes))
        self._gw = gw
        self._spool = spool
        self._around = around
        self._lamps = {each.asset: Lamp(each, _held(spool, each.asset)) for each in lights}
        self._ids: dict[str, int] = msgspec.json.decode(spool.note(_IDS, "{}"), type=dict[str, int])
        self._inbox: deque[tuple[str, bytes, bool]] = deque(maxlen=_MOST_WAITING)
        self._outbox: deque[tuple[str, bytes]] = deque(maxlen=_MOST_WAITING)
        self._wake = threading.Condition()
        self._stopping = False
        self._beat = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="lights", daemon=True)

    @property
    def paths(self) -> list[str]:
        """The paths on which commands are heard; none unless they are enabled."""
        return [f"lighting/{asset}/cmd" for asset in self._lamps] if self._enabled else []

    def start(self) -> None:
        """Start keeping the lamps; without any lamp there is no thread."""
        if self._lamps:
            self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop; the lamps stay with their devices."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def alive(self, limit_s: float = 60.0) -> bool:
        """Whether its thread runs and moves, if there are lamps."""
        return not self._lamps or (self._thread.is_alive() and time.monotonic() - self._beat < limit_s)

    def heard(self, path: str, payload: bytes, *, retained: bool) -> None:
        """Take a command; it is carried out by the lamps' own thread."""
        with self._wake:
            self._inbox.append((path.split("/")[1], payload, retained))
            self._wake.notify_all()

    def seen(self, asset: str, fields: dict[str, Value]) -> None:
        """Take note of the daylight at a cabinet."""
        lamp, lux = self._lamps.get(asset), fields.get("illuminance")
        if lamp is not None and isinstance(lux, (int, float)):
            lamp.lux, lamp.lux_ns = float(lux), self._around.monotonic_ns()

    def step(self) -> None:
        """Carry out what was commanded, then bring every lamp to where it should be."""
        while self._inbox:
            asset, payload, retained = self._inbox.popleft()
            self._obey(self._lamps[asset], payload, retained=retained)
        for lamp in self._lamps.values():
            self._keep(lamp)
        while self._outbox and self._around.say(*self._outbox[0]):
            self._outbox.popleft()

    def _run(self) -> None:
        while True:
            self._beat = time.monotonic()
            try:
                self.step()
            except Exception:
                # Whatever fails, lamps go on being kept: in five seconds it is tried again.
                log.exception("lamps cannot be kept; trying again")
            with self._wake:
                if self._wake.wait_for(lambda: self._stopping or self._inbox, _TICK_S) and self._stopping:
                    return

    def _scheduled(self, lamp: Lamp) -> bool | None:
        """Say what the schedule wants: by the sun, without a clock by daylight; None when neither is."""
        around, schedule = self._around, lamp.config.schedule
        if schedule is None:
            return None
        now_ns = around.now_ns()
        if now_ns is not None and around.lat is not None and around.lon is not None:
            try:
                return by_sun(schedule, around.lat, around.lon, now_ns)
            except ValueError:
                log.debug("the sun neither rises nor sets today")
        if lamp.lux is not None and around.monotonic_ns() - lamp.lux_ns < _STILL_LIGHT_NS:
            return by_lux(lamp.lux, burning=bool(lamp.held.on))
        return None

    def _wanted(self, lamp: Lamp) -> bool | None:
        held, scheduled = lamp.held, self._scheduled(lamp)
        if held.command:
            now_ns = self._around.now_ns()
            over = held.until_ns is not None and now_ns is not None and now_ns >= held.until_ns
            known = None not in {held.base, scheduled}
            changed = held.until_ns is None and known and scheduled != held.base
            if not over and not changed:
                return held.command_on
            log.info("%s: command %s is over", lamp.config.asset, held.command)
            self._remember(lamp, Held(on=held.on))
        return held.on if scheduled is None else scheduled

    def _keep(self, lamp: Lamp) -> None:
        wanted = self._wanted(lamp)
        now_ns = self._around.monotonic_ns()
        if wanted is None or wanted is lamp.shown:
            return
        if lamp.tried_ns is not None and now_ns - lamp.tried_ns < _AGAIN_NS:
            return
        try:
            self._switch(lamp, wanted)
        except BusError as error:
            log.warning("%s: cannot be switched %s: %s", lamp.config.asset, _word(wanted), error)

    def _switch(self, lamp: Lamp, on: bool) -> None:
        lamp.shown, lamp.tried_ns = None, self._around.monotonic_ns()
        self._around.switch(lamp.config.device, on)
        lamp.shown, lamp.tried_ns = on, None
        log.info("%s: switched %s", lamp.config.asset, _word(on))
        if lamp.held.on is not on:
            self._remember(lamp, msgspec.structs.replace(lamp.held, on=on))

    def _obey(self, lamp: Lamp, payload: bytes, *, retained: bool) -> None:
        asset = lamp.config.asset
        now_ns = self._around.now_ns() if self._around.trusted() else None
        if now_ns is not None:
            self._ids = {name: expires for name, expires in self._ids.items() if expires > now_ns}
        it = judge(payload, asset, lamp.config.actions, self._ids, now_ns, retained=retained)
        if isinstance(it, Refusal):
            log.warning("%s: command %s refused: %s %s", asset, it.id, it.reason, it.words)
            self._write(asset, it.id, it.by, "refused", it.reason, it.words)
            self._answer(lamp, it.id, "refused", it.reason)
            return
        try:
            # On disk before anything moves: after a power cut the same command is a replay.
            self._ids[it.id] = it.expires_ns
            self._spool.set_notes({_IDS: msgspec.json.encode(self._ids).decode()})
            self._audit.write(**self._facts(asset, it.id, it.by), outcome="accepted", wants=_wants(it))
        except (OSError, sqlite3.Error) as error:
            log.error("%s: command %s cannot be written down, so it is not done: %s", asset, it.id, error)  # noqa: TRY400
            self._answer(lamp, it.id, "failed", "fault")
            return
        outcome, reason, words = self._done(lamp, it)
        self._write(asset, it.id, it.by, outcome, reason, words)
        self._answer(lamp, it.id, outcome, reason)

    def _done(self, lamp: Lamp, it: Order) -> tuple[Outcome, str, str]:
        """Carry an order out; return outcome, reason and words."""
        if it.on is None:
            self._remember(lamp, Held(on=lamp.held.on))
        else:
            base = self._scheduled(lamp)
            self._remember(lamp, Held(lamp.held.on, it.id, it.on, it.until_ns, base))
        wanted = self._wanted(lamp)
        if wanted is None:
            return "done", "", ""
        try:
            self._switch(lamp, wanted)
        except BusError as error:
            reason = {"not-followed": "no-feedback", "no-comm": "no-comm"}.get(error.reason, "fault")
            return "failed", reason, str(error)
        return "done", "", ""

    def _answer(self, lamp: Lamp, name: str | None, outcome: Outcome, reason: str) -> None:
        if name is None:
            return
        now_ns = self._around.now_ns()
        ack = Ack(
            v=1,
            id=name,
            ts=from_ns(now_ns if now_ns is not None else time.time_ns()),
            gw=self._gw,
            outcome=outcome,
            reason=reason or UNSET,
            powerState=UNSET if lamp.shown is None else _word(lamp.shown),
        )
        self._outbox.append((f"lighting/{lamp.config.asset}/ack", encode(ack)))

    def _write(self, asset: str, name: str | None, by: str, outcome: str, reason: str, words: str) -> None:
        try:
            self._audit.write(**self._facts(asset, name, by), outcome=outcome, reason=reason, words=words)
        except OSError as error:
            log.error("the audit log cannot be written: %s", error)  # noqa: TRY400

    def _facts(self, asset: str, name: str | None, by: str) -> dict[str, str | None]:
        now_ns = self._around.now_ns()
        return {"ts": None if now_ns is None else from_ns(now_ns), "asset": asset, "id": name, "by": by}

    def _remember(self, lamp: Lamp, held: Held) -> None:
        if held == lamp.held:
            return
        lamp.held = held
        try:
            self._spool.set_notes({_NOTE + lamp.config.asset: msgspec.json.encode(held).decode()})
        except sqlite3.Error as error:
            log.error("%s: a restart will not know how its lamps stand: %s", lamp.config.asset, error)  # noqa: TRY400


def _held(spool: Spool, asset: str) -> Held:
    try:
        return msgspec.json.decode(spool.note(_NOTE + asset, "{}"), type=Held)
    except msgspec.MsgspecError:
        return Held()


def _word(on: bool) -> Literal["on", "off"]:
    return "on" if on else "off"


def _wants(it: Order) -> str:
    return "auto" if it.on is None else _word(it.on)
